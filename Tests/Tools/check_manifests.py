# SPDX-License-Identifier: Apache-2.0
"""check_manifests.py FOLDER: validates every .json file of FOLDER as check-manifests says."""

import copy
import json
import pathlib
import sys

from kubernetes_schemas import VERSIONS, refusal


def damaged(manifest):
    """Manifests with one mistake each."""

    def change(act):
        copied = copy.deepcopy(manifest)
        act(copied, copied["spec"]["template"]["spec"])
        return copied

    yield "a field of the Job", change(lambda job, pod: job["spec"].update(backofLimit=0))
    yield "a field of the pod", change(lambda job, pod: pod.update(hostNetworks=True))
    yield "a container's field", change(
        lambda job, pod: pod["containers"][0].update(volumeMount=[])
    )
    yield "a mount's field", change(
        lambda job, pod: pod["containers"][0]["volumeMounts"][0].update(readonly=True)
    )
    yield "a number that is text", change(
        lambda job, pod: pod.update(terminationGracePeriodSeconds="30")
    )
    yield "a list that is text", change(lambda job, pod: pod["containers"][0].update(args="run"))
    yield "a container without a name", change(lambda job, pod: pod["containers"][0].pop("name"))
    yield "no pod at all", change(lambda job, pod: job["spec"].pop("template"))


def main(folder):
    files = sorted(pathlib.Path(folder).glob("*.json"))
    passed = failed = 0
    for file in files:
        manifest = json.loads(file.read_text(encoding="utf-8"))
        for version in VERSIONS:
            why = refusal(manifest, version)
            passed, failed = passed + (why is None), failed + (why is not None)
            if why is not None:
                print(f"{file.name}, Kubernetes {version}: {why}")
            for mistake, bad in damaged(manifest):
                noticed = refusal(bad, version) is not None
                passed, failed = passed + noticed, failed + (not noticed)
                if not noticed:
                    print(f"{file.name}, Kubernetes {version}: nobody noticed {mistake}")
    if not files:
        print(f"there is no manifest in {folder}")
        failed += 1
    print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main(sys.argv[1]))
