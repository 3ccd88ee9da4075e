"""A Django service in one file, entered by keys: any WSGI server with `django_app:application`."""

from __future__ import annotations

import atexit
from pathlib import Path

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

import reconciler
from reconciler.server.routes import Access
from reconciler.server.wsgi_middleware import KeyrecMiddleware, caller_of

CONFIG = Path(__file__).with_name("keyrec.yaml")
verifier = reconciler.load(str(CONFIG)).verifier(environment="dev")
atexit.register(verifier.close)

settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["localhost", "127.0.0.1"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
)


def healthz(_: HttpRequest) -> HttpResponse:
    """Say that the service runs; needs no key."""
    return JsonResponse("ok", safe=False)


def reviews(request: HttpRequest) -> HttpResponse:
    """Say who asks; the table below let in who may read reviews."""
    return JsonResponse({"caller": str(caller_of(request.META).allowed.record.address)})


def approve(request: HttpRequest, name: str) -> HttpResponse:
    """Approve a review; needs more than the table asks for."""
    caller = caller_of(request.META)
    refusal = caller.refusal("Reviews:operate")
    if refusal is not None:
        return HttpResponse(refusal.body, status=refusal.status, headers=dict(refusal.headers))
    return JsonResponse({"approved": name, "by": str(caller.allowed.record.address)})


urlpatterns = [
    path("healthz", healthz),
    path("reviews", reviews),
    path("reviews/<name>/approve", approve),
]
application = KeyrecMiddleware(
    get_wsgi_application(),
    verifier=verifier,
    required={"GET /healthz": Access.PUBLIC, "/reviews/*": "Reviews:read"},
)
