# SPDX-License-Identifier: Apache-2.0
"""administrator.py URL BOOTSTRAP_KEY DIR: makes an administrator, and prints a client's exports.

Who has not been made before has a password, which is kept in DIR/password.
"""

import os
import shlex
import sys
from pathlib import Path

from bioblend.galaxy import GalaxyInstance

# As galaxy.yml names it.
EMAIL = "admin@example.org"

url, key, directory = sys.argv[1:]
galaxy = GalaxyInstance(url, key=key)
user = next((user for user in galaxy.users.get_users() if user["email"] == EMAIL), None)
if user is None:
    password = os.urandom(16).hex()
    user = galaxy.users.create_local_user("admin", EMAIL, password)
    (Path(directory) / "password").write_text(password + "\n")
exports = {
    "GALAXY_URL": url,
    "GALAXY_KEY": galaxy.users.get_or_create_user_apikey(user["id"]),
    "GALAXY_DIR": directory,
}
for name, value in exports.items():
    print(f"export {name}={shlex.quote(value)}")
