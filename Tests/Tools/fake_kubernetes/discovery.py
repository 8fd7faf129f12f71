# SPDX-License-Identifier: Apache-2.0
"""What tells kubectl which resources there are."""

VERBS = ["create", "delete", "get", "list", "patch", "watch"]


def resource(name, kind, verbs=VERBS, namespaced=True):
    return {"name": name, "singularName": "", "kind": kind, "namespaced": namespaced, "verbs": verbs}


def resources(group_version, *found):
    return {"kind": "APIResourceList", "groupVersion": group_version, "resources": found}


def group(name):
    version = {"groupVersion": f"{name}/v1", "version": "v1"}
    return {"name": name, "versions": [version], "preferredVersion": version}


REVIEWS = "authorization.k8s.io"
DOCUMENTS = {
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [group("batch"), group(REVIEWS)]},
    "/api/v1": resources(
        "v1",
        resource("pods", "Pod"),
        resource("pods/log", "Pod", ["get"]),
        resource("events", "Event"),
    ),
    "/apis/batch/v1": resources("batch/v1", resource("jobs", "Job")),
    f"/apis/{REVIEWS}/v1": resources(
        f"{REVIEWS}/v1",
        resource("selfsubjectaccessreviews", "SelfSubjectAccessReview", ["create"], namespaced=False),
    ),
}
