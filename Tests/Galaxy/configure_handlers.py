# SPDX-License-Identifier: Apache-2.0
"""configure_handlers.py DIR NAME...: has these processes share the jobs of the Galaxy in DIR.

They do it over the database in DIR/database: each takes what no other has taken. Their job configuration
is in XML, as it is where a Galaxy is older than YAML.
"""

import sys
from pathlib import Path
from xml.etree import ElementTree

import yaml

home, names = Path(sys.argv[1]), sys.argv[2:]


def change(name, change):
    content = yaml.safe_load((home / name).read_text())
    change(content)
    (home / name).write_text(yaml.safe_dump(content, sort_keys=False))


def configure(content):
    settings = content["galaxy"]
    settings["database_connection"] = f"postgresql:///galaxy?host={home}/database&user=galaxy"
    settings["job_config_file"] = str(home / "job_conf.xml")


def in_xml(content):
    """A job configuration as XML has it: all values are texts."""

    def add(parent, tag, params=(), **attributes):
        element = ElementTree.SubElement(parent, tag, attributes)
        for name, value in dict(params).items():
            ElementTree.SubElement(element, "param", id=name).text = str(value)
        return element

    root = ElementTree.Element("job_conf")
    plugins = add(root, "plugins")
    for name, runner in content["runners"].items():
        load, workers = runner.pop("load"), str(runner.pop("workers"))
        add(plugins, "plugin", runner, id=name, type="runner", load=load, workers=workers)
    # One at a time, so that even a few jobs come to both.
    handlers = add(root, "handlers", assign_with="db-skip-locked", max_grab="1")
    for name in names:
        add(handlers, "handler", id=name)
    destinations = add(root, "destinations", default=content["execution"]["default"])
    for name, environment in content["execution"]["environments"].items():
        runner, steps = environment.pop("runner"), environment.pop("resubmit", [])
        destination = add(destinations, "destination", environment, id=name, runner=runner)
        for step in steps:
            add(destination, "resubmit", condition=step["condition"], destination=step["environment"])
    tools = add(root, "tools")
    for tool in content["tools"]:
        place = tool.pop("environment")
        add(tools, "tool", **tool, destination=place)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode")


change("galaxy.yml", configure)
in_yaml = home / "job_conf.yml"
(home / "job_conf.xml").write_text(in_xml(yaml.safe_load(in_yaml.read_text())) + "\n")
in_yaml.unlink()
