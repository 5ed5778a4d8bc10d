# SPDX-License-Identifier: Apache-2.0
"""Instructions as users write them."""

TEXTS = ["CMD [\"a\", \"b\"]", "CMD echo $A", "ENTRYPOINT [\"e\"]", "ENV A=1 B='x y' C=\"$A\"",
         "ENV A the rest", "ENV A=${N:-${A}x}${A:+y}${E-z}", "ENV A=\\$x\\ y", "EXPOSE 80 7-9/udp",
         "LABEL a=b \"c d\"=e", "ONBUILD RUN x", "STOPSIGNAL SIGRTMIN+3", "USER ${A}:1",
         "VOLUME [\"/a\"]", "VOLUME /a /b", "WORKDIR ../x/./y//", "RUN x", "ENV A='"]


def seeds():
    for n, text in enumerate(TEXTS):
        yield f"{n}", text.encode()
