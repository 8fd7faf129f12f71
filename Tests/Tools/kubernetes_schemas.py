# SPDX-License-Identifier: Apache-2.0
"""What Kubernetes' own schemas say of a manifest, strictly: no field that a version does not know."""

import kubernetes_validate

# The oldest that there is a schema of, two between, and the newest.
VERSIONS = ["1.25", "1.30", "1.35", "1.37"]


def refusal(manifest, version):
    """Why the version's schema refuses the manifest; None if it does not."""
    try:
        used = kubernetes_validate.validate(manifest, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{'.'.join(str(part) for part in error.path)}: {error.message}"
    return None if used == version else f"there is no schema of {version}, only of {used}"
