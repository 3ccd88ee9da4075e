"""The same question a million times: may this presented key do this, from here, now?"""
