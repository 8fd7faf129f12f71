# SPDX-License-Identifier: Apache-2.0
# Short names for what Scripts/ does. Each script says at its head what it promises.
.PHONY: build test faults full lint format head worker roots image cluster cluster-down plugin galaxy demo demo-fail bench

build:
	swift build

test:
	Scripts/test

faults:
	Scripts/test --faults

full:
	Scripts/test --full

lint:
	Scripts/lint

format:
	Scripts/lint --fix

head:
	Scripts/head

worker:
	Scripts/worker

roots: worker
	Tests/Tools/check-worker-roots

image: worker
	Scripts/image

cluster:
	Scripts/cluster up

cluster-down:
	Scripts/cluster down

plugin:
	Scripts/plugin

galaxy:
	Scripts/galaxy check

demo:
	Scripts/demo

demo-fail:
	Scripts/demo --fail

bench:
	Scripts/bench
