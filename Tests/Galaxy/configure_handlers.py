# SPDX-License-Identifier: Apache-2.0
"""configure_handlers.py DIR NAME...: has these processes share the jobs of the Galaxy in DIR.

They do it over the database in DIR/database: each takes what no other has taken.
"""

import sys
from pathlib import Path

import yaml

home, names = Path(sys.argv[1]), sys.argv[2:]


def change(name, change):
    content = yaml.safe_load((home / name).read_text())
    change(content)
    (home / name).write_text(yaml.safe_dump(content, sort_keys=False))


def use_database(content):
    content["galaxy"]["database_connection"] = f"postgresql:///galaxy?host={home}/database&user=galaxy"


def share(content):
    # One at a time, so that even a few jobs come to both.
    handling = {"assign": ["db-skip-locked"], "max_grab": 1, "processes": {name: {} for name in names}}
    content["handling"] = handling


change("galaxy.yml", use_database)
change("job_conf.yml", share)
