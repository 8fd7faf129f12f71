// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// Parts of the cluster go away and come back: every run goes on, and says what it waits for
/// (F20, F21 and F28).
///
/// These stop what all tests share, so they are run apart from the others, one at a time.
@Suite(.serialized, .processes, .enabled(if: !TestCluster.isOff)) struct ClusterOutageTests {
    private static let lost = "Nothing is heard of the cluster"
    private static let found = "The cluster answers again."

    /// The run ended well, the tool ran once, and the outage was told once.
    private func expectOneOutage(
        _ head: RunningProgram,
        _ lab: ClusterLab,
        _ job: GalaxyJob,
        output: String
    ) async throws {
        let ending = try await head.ending(.veryLong)
        let answer = try RunAnswer(ending)
        #expect(ending.status == 0, "\(answer.message) \(ending.errors)")
        #expect(Shell.text(job.output) == output)
        #expect(answer.failedTries == [], "an outage is no try's end")
        #expect(answer.notes.count { $0.hasPrefix(Self.lost) } == 1, "\(answer.notes)")
        // The result may be seen before the watches are back.
        #expect(answer.notes.count { $0 == Self.found } <= 1, "\(answer.notes)")
        #expect(try await lab.lab.keys("started.json").count == 1, "the tool ran once")
        #expect(try lab.jobs().count == 1, "a try's name is used once")
    }

    private func waitUntilLost(_ head: RunningProgram) async throws {
        try await Patience.veryLong.wait("the head to miss the cluster") {
            head.output.contains(Self.lost)
        }
    }

    // MARK: The API server

    @Test(
        "the API server goes while the tool runs, and the tool ends before or after it is back",
        arguments: ["before", "after"]
    )
    func apiServerAway(_ moment: String) async throws {
        try await ClusterLab.run { lab in
            let job = try lab.gatedJob("echo after")
            let head = try lab.start("run", job)
            let pod = try await lab.waitForTool()
            let volume = try lab.volume(of: pod)
            try await lab.without("kube-apiserver") {
                try await waitUntilLost(head)
                guard moment == "before" else { return }
                try lab.release(volume: volume, "done")
                try await Patience.long.wait("the result") {
                    try await !lab.lab.keys("result.json").isEmpty
                }
            }
            if moment == "after" { try lab.release(volume: volume, "done") }
            try await expectOneOutage(head, lab, job, output: "done\n")
            #expect(Shell.text("\(job.outputs)/tool_stdout") == "waiting\nafter\n")
        }
    }

    @Test("whoever begins while there is no API server says so, and waits")
    func apiServerAwayAtTheBeginning() async throws {
        try await ClusterLab.run { lab in
            let job = try lab.job("echo done > $OUT")
            let head = try await lab.without("kube-apiserver") {
                let head = try lab.start("run", job)
                try await Patience.long.wait("word of it") {
                    head.output.contains(#""event":"waiting""#)
                }
                return head
            }
            let answer = try RunAnswer(try await head.ending(.veryLong))
            #expect(answer.ending?.state == "ok", "\(answer.message)")
            #expect(answer.waits.count { $0.contains("cannot be reached") } == 1, "\(answer.waits)")
            #expect(Shell.text(job.output) == "done\n")
            #expect(try lab.jobs().count == 1)
        }
    }

    @Test("runs that one server carries wait out an API server that is away, each where it is")
    func served() async throws {
        try await ClusterLab.run { lab in
            let server = try ServedLab(lab.lab, lab.cluster.options(instance: lab.instance))
            let running = try lab.gatedJob()
            try server.submit(running)
            let volume = try lab.volume(of: try await lab.waitForTool())
            let late = try GalaxyJob(
                id: "2",
                folder: "\(lab.lab.folder)/2",
                tool: "echo late > $OUT",
                image: "localhost/glibc:1"
            )
            try await lab.without("kube-apiserver") {
                try server.submit(late)
                try lab.release(volume: volume, "done")
                try await Patience.veryLong.wait("word of both") {
                    let lines = try server.lines()
                    return lines.contains { $0.text?.hasPrefix(Self.lost) == true }
                        && lines.contains {
                            $0.event == "waiting" && $0.job == late.description
                                && $0.reason?.contains("cannot be reached") == true
                        }
                }
            }
            try await Patience.veryLong.wait("both to end") {
                try server.states().values.count { $0 == "ok" } == 2
            }
            #expect(Shell.text(running.output) == "done\n")
            #expect(Shell.text(late.output) == "late\n")
            #expect(try await lab.lab.keys("started.json").count == 2, "each tool ran once")
            #expect(try lab.jobs().count == 2)
        }
    }

    @Test("a Job that is sent while nobody answers is made once", arguments: ["etcd", "frozen"])
    func submitWithoutAnAnswer(_ how: String) async throws {
        try await ClusterLab.run { lab in
            let job = try lab.gatedJob()
            let head = try lab.start("run", job, more: ["disruption_delay=3s"])
            let first = try await lab.waitForTool()
            // The next try is sent by a head that is connected.
            try lab.cluster.kubectl("delete job \(try #require(lab.jobs().first)) --wait=false")
            try await Patience.long.wait("try 1 to end") { head.output.contains("The next try") }
            func waitForWord() async throws {
                try await Patience.veryLong.wait("word of it") {
                    head.output.contains(#""event":"waiting","text":"The API server"#)
                        || head.output.contains(Self.lost)
                }
            }
            if how == "etcd" {
                try await lab.without("etcd", do: waitForWord)
            } else {
                try await lab.freezing("kube-apiserver", do: waitForWord)
            }
            var second = ""
            try await Patience.veryLong.wait("the pod of try 2") {
                second = try lab.pods().last { $0 != first } ?? ""
                return !second.isEmpty
            }
            try lab.release(try await lab.waitForTool(in: second), "second")
            let answer = try RunAnswer(try await head.ending(.veryLong))
            #expect(answer.ending?.state == "ok", "\(answer.message)")
            #expect(answer.failedTries.count == 1, "\(answer.failedTries)")
            #expect(try await lab.lab.keys("started.json").count == 2, "one a try")
            #expect(Shell.text(job.output) == "second\n")
        }
    }

    @Test(
        "an API server that forgot what it had told, and one whose store was away with it",
        arguments: [["kube-apiserver"], ["kube-apiserver", "etcd"]]
    )
    func restarted(_ programs: [String]) async throws {
        try await ClusterLab.run { lab in
            let job = try lab.gatedJob()
            let head = try lab.start("run", job)
            let first = try await lab.waitForTool()
            // Versions that the head has seen are older than what the last server remembers.
            for number in 1...3 {
                try await lab.without(programs) {}
                try lab.cluster.kubectl("annotate nodes --all --overwrite gse-test=\(number)")
            }
            // Only the watches tell of this.
            try lab.cluster.kubectl("delete job \(try #require(lab.jobs().first)) --wait=false")
            var second = ""
            try await Patience.veryLong.wait("the pod of try 2") {
                second = try lab.pods().last { $0 != first } ?? ""
                return !second.isEmpty
            }
            try lab.release(try await lab.waitForTool(in: second), "second")
            let answer = try RunAnswer(try await head.ending(.veryLong))
            #expect(answer.ending?.state == "ok", "\(answer.message)")
            #expect(answer.failedTries.count == 1, "\(answer.failedTries)")
            #expect(Shell.text(job.output) == "second\n")
        }
    }

    // MARK: Credentials

    @Test("a token that is refused is an outage; a good one in its place ends it")
    func token() async throws {
        try await ClusterLab.run { lab in
            let (config, tokenFile) = try lab.kubeconfigWithTokenFile()
            let token = Shell.text(tokenFile)
            let job = try lab.gatedJob()
            let head = try lab.start("run", job, more: ["kubernetes.k8s_config_path=\(config)"])
            let volume = try lab.volume(of: try await lab.waitForTool())
            try Shell.run("echo nonsense > \(tokenFile)")
            // Whoever is let in already stays until it has to come again.
            try await lab.without("kube-apiserver") {}
            try await Patience.veryLong.wait("the refusal") {
                head.output.contains("does not accept our credentials")
            }
            try ChildProcess.write(Array(token.utf8), to: tokenFile)
            func recoveries() -> Int {
                head.output.split(separator: "\n").count { $0.contains(Self.found) }
            }
            let before = recoveries()
            try await Patience.veryLong.wait("the end of it") { recoveries() > before }
            try lab.release(volume: volume, "done")
            let answer = try RunAnswer(try await head.ending(.veryLong))
            #expect(answer.ending?.state == "ok", "\(answer.message)")
            #expect(answer.failedTries == [])
            #expect(Shell.text(job.output) == "done\n")
        }
    }

    @Test("a Job of that name that is not ours is left alone, and named")
    func foreignJob() async throws {
        try await ClusterLab.run { lab in
            let (config, tokenFile) = try lab.kubeconfigWithTokenFile()
            let token = Shell.text(tokenFile)
            let more = ["kubernetes.k8s_config_path=\(config)"]
            let job = try lab.job("echo done > $OUT")
            // A head that is not let in names its run, and submits nothing.
            try Shell.run("echo nonsense > \(tokenFile)")
            let refused = try await lab.run(job, more: more)
            #expect(refused.status == 77, "\(refused.answer.message)")
            let run = try #require(refused.answer.run)
            let name = "gxy-\(lab.instance)-\(run)-1"
            try lab.cluster.kubectl("create job \(name) --image=localhost/busybox:1 -- true")
            defer { _ = try? lab.cluster.kubectl("delete job \(name)") }
            try ChildProcess.write(Array(token.utf8), to: tokenFile)
            let (status, answer) = try await lab.run(job, more: more)
            #expect(status == 71, "\(answer.message)")
            #expect(answer.run == run, "it is the same run")
            #expect(answer.message.contains("A Job named \(name) exists"), "\(answer.message)")
            _ = try lab.cluster.kubectl("get job \(name)")
            try lab.cluster.kubectl("delete job \(name)")
            let third = try await lab.run(job, more: more)
            #expect(third.status == 0, "\(third.answer.message)")
            #expect(third.answer.run == run)
            #expect(Shell.text(job.output) == "done\n")
        }
    }

    // MARK: Cancel

    @Test("cancel without an API server fences first, says what is left, and ends it later")
    func cancel() async throws {
        try await ClusterLab.run { lab in
            let job = try lab.gatedJob()
            let head = try lab.start("run", job)
            let volume = try lab.volume(of: try await lab.waitForTool())
            try await lab.without("kube-apiserver") {
                let cancel = try lab.start("cancel", job, json: false)
                try await Patience.long.wait("the fence") {
                    try await !lab.lab.keys("result.json").isEmpty
                }
                let ending = try await cancel.ending(.veryLong)
                #expect(ending.status == 71)
                let words = [
                    "trying again", "is over", "may still run", "cannot be reached",
                    "galaxy-head-node cancel --job \(job.description)",
                ]
                for word in words { #expect(ending.errors.contains(word), "\(ending.errors)") }
                // What the tool still does counts for nothing.
                try lab.release(volume: volume, "too late")
            }
            let again = try await lab.start("cancel", job, json: false).ending(.veryLong)
            #expect(again.status == 0, "\(again.errors)")
            let answer = try RunAnswer(try await head.ending(.veryLong))
            #expect(answer.ending?.state == "cancelled", "\(answer.message)")
            #expect(Shell.text(job.output) == "", "invariant 5: nothing becomes visible")
            let running = try lab.cluster.kubectl(
                "get pods -l galaxy-s3-executor/instance=\(lab.instance) -o "
                    + "jsonpath='{.items[*].status.containerStatuses[*].state.running}'"
            )
            #expect(running == "")
        }
    }

    // MARK: The other programs

    @Test(
        "the node's programs go while the tool runs, and the tool ends before they are back",
        arguments: ["kubelet", "containerd"]
    )
    func nodesPrograms(_ program: String) async throws {
        try await ClusterLab.run { lab in
            let job = try lab.gatedJob("echo after")
            let head = try lab.start("run", job)
            let volume = try lab.volume(of: try await lab.waitForTool())
            try await lab.without(program) {
                try lab.release(volume: volume, "done")
                if program == "kubelet" {
                    try await Patience.long.wait("the result") {
                        try await !lab.lab.keys("result.json").isEmpty
                    }
                }
            }
            let answer = try RunAnswer(try await head.ending(.veryLong))
            #expect(answer.ending?.state == "ok", "\(answer.message)")
            #expect(answer.failedTries == [])
            #expect(Shell.text(job.output) == "done\n")
            #expect(Shell.text("\(job.outputs)/tool_stdout") == "waiting\nafter\n")
            #expect(try await lab.lab.keys("started.json").count == 1)
        }
    }

    @Test(
        "a Job that gets no pod, and a pod that gets no node, wait and are told of",
        arguments: [
            ("kube-controller-manager", "has no pod"),
            ("kube-scheduler", "no scheduler has looked at pod"),
        ]
    )
    func nobodyTakesItUp(
        _ program: String,
        word: String
    ) async throws {
        try await ClusterLab.run { lab in
            let job = try lab.job("echo done > $OUT")
            let head = try await lab.without(program) {
                let head = try lab.start("run", job)
                try await Patience.long.wait(word) { head.output.contains(word) }
                return head
            }
            let answer = try RunAnswer(try await head.ending(.veryLong))
            #expect(answer.ending?.state == "ok", "\(answer.message)")
            #expect(answer.failedTries == [])
            #expect(answer.waits.count { $0.contains(word) } == 1, "\(answer.waits)")
        }
    }
}
