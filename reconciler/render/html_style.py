"""The look of the HTML page: colours with at least 4.5:1 contrast in light and dark, one column."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root{--ink:#1b1f24;--soft:#57606a;--page:#fff;--card:#f6f8fa;--line:#d0d7de;
--bad:#b3261e;--warn:#8a5300;--good:#1a6b3c;--info:#0b57a4}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa5b1;--page:#0d1117;--card:#161b22;
--line:#30363d;--bad:#ff8b80;--warn:#f0b35a;--good:#6fd08c;--info:#79b8ff}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:60rem;padding:1rem;background:var(--page);color:var(--ink);
font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.6rem;margin:.5rem 0}h1 span{color:var(--soft);font-weight:400}
h2{font-size:1.2rem;margin:1.5rem 0 .5rem}h3{font-size:1rem;margin:0 0 .25rem}
h3 em{color:var(--soft);font-weight:400;font-style:normal}
code,pre{font:.9em/1.45 ui-monospace,monospace}
pre{margin:.5rem 0 0;padding:.75rem;overflow-x:auto;background:var(--page);
border:1px solid var(--line);border-radius:.4rem}
small{color:var(--soft)}
ul{margin:.25rem 0;padding-left:1.2rem}li{margin:.25rem 0}
.status{display:inline-block;margin:.25rem 0;padding:.2rem .8rem;border:2px solid;
border-radius:2rem;font-weight:600}
.numbers{display:grid;grid-template-columns:repeat(auto-fit,minmax(8rem,1fr));gap:.5rem;padding:0;
list-style:none}
.numbers li{margin:0;padding:.5rem .75rem;background:var(--card);border:1px solid var(--line);
border-radius:.5rem}
.numbers b{display:block;font-size:1.5rem;line-height:1.2}
.bad,.numbers .bad b{color:var(--bad)}.good{color:var(--good)}.numbers .warn b{color:var(--warn)}
.numbers .bad,.numbers .warn{color:var(--ink)}
article,.refused{margin:.75rem 0;padding:.75rem 1rem;background:var(--card);
border:1px solid var(--line);border-left:.4rem solid var(--line);border-radius:.5rem}
.widen,.mixed,.refused{border-left-color:var(--bad)}.narrow{border-left-color:var(--warn)}
.refused h2{margin-top:0}
.badge{display:inline-block;padding:0 .5rem;border:1px solid;border-radius:.3rem;font-size:.8rem;
font-weight:700;color:var(--soft)}
.widen .badge,.mixed .badge{color:var(--bad)}.narrow .badge,.badge.disrupt{color:var(--warn)}
.place{margin:0;color:var(--soft)}
.gain b{color:var(--bad)}.break b{color:var(--warn)}
.severity{display:inline-block;min-width:4.5rem;font-weight:700}
.critical,.high{color:var(--bad)}.medium{color:var(--warn)}.low,.info{color:var(--info)}
summary{cursor:pointer;color:var(--info)}summary:focus-visible,a:focus-visible{outline:2px solid}
.skip{position:absolute;left:-99rem}.skip:focus{position:static}
footer{margin-top:2rem;color:var(--soft);font-size:.9rem;border-top:1px solid var(--line)}
@media print{details>*{display:block}body{max-width:none}}
"""
