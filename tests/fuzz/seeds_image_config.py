# SPDX-License-Identifier: Apache-2.0
"""Image configs."""
import json

FULL = {
    "architecture": "arm64", "os": "linux", "variant": "v8", "os.version": "1",
    "os.features": ["a"], "created": "2015-10-31T22:22:56.015925234Z", "author": "a",
    "config": {
        "User": "1:1", "ExposedPorts": {"80/tcp": {}}, "Env": ["A=b"], "Entrypoint": ["/x"],
        "Cmd": ["y"], "Volumes": {"/v": {}}, "WorkingDir": "/", "Labels": {"l": "1"},
        "StopSignal": "SIGTERM", "Shell": ["sh"], "OnBuild": [], "ArgsEscaped": True,
        "Healthcheck": {"Test": ["NONE"], "Interval": 1, "Timeout": 1, "StartPeriod": 1,
                        "StartInterval": 1, "Retries": 1},
    },
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "a" * 64, "sha512:" + "b" * 128]},
    "history": [
        {"created": "x", "created_by": "y", "author": "z", "comment": "c"},
        {"empty_layer": True}, {"empty_layer": False},
    ],
}


def seeds():
    yield "full", json.dumps(FULL).encode()
    yield "small", json.dumps({"rootfs": {"type": "layers", "diff_ids": None}}).encode()
    yield "nulls", json.dumps({**FULL, "config": None, "history": None, "created": None}).encode()
    yield "misfit", json.dumps({**FULL, "history": [{}]}).encode()
    yield "type", json.dumps({**FULL, "rootfs": {"type": "x"}}).encode()
    yield "empty", b"{}"
