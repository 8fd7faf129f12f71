// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Testing

@testable import HeadNode

/// Galaxy's job configuration in XML is judged as the one in YAML is.
@Suite struct XMLJobConfigTests {
    private static let repository = String(#filePath).part(before: "/Tests/HeadNodeTests/")
    private static let ours = "load=\"galaxy_s3_executor.runner:S3JobRunner\""

    private func check(
        _ bytes: [UInt8],
        named name: String = "job_conf.xml",
        _ environment: [String: String] = [:]
    ) -> JobConfigCheck {
        let sources = SettingsSources(
            file: nil,
            environment: ["HOME": "/root", "AWS_REGION": "us-east-1"],
            flags: ["s3.bucket=galaxy", "kubernetes.worker_image=localhost/worker:1"]
        )
        let file = JobConfig(bytes, named: name, environment: environment)
        return JobConfigCheck(file, sources, executor: .kubernetes)
    }

    private func check(
        _ text: String,
        _ environment: [String: String] = [:]
    ) -> JobConfigCheck {
        check(Array(text.utf8), environment)
    }

    /// A configuration that is right, with lines more.
    private func configuration(
        runner: String = "",
        destination: String = "",
        _ environment: [String: String] = [:]
    ) -> JobConfigCheck {
        check(
            """
            <job_conf>
              <plugins>
                <plugin id="local" type="runner" load="galaxy.jobs.runners.local:LocalJobRunner"/>
                <plugin id="s3" type="runner" \(Self.ours)>
            \(runner)
                </plugin>
              </plugins>
              <destinations default="local">
                <destination id="local" runner="local" odd="1"><odd/></destination>
                <destination id="s3" runner="s3">
                  <param id="outputs_to_working_directory">true</param><param id="docker_enabled">True</param>
            \(destination)
                </destination>
              </destinations>
            </job_conf>
            """,
            environment
        )
    }

    @Test func theExamplesAreRightAndSayTheSame() throws {
        var found: [String: JobConfig] = [:]
        for form in [JobConfigForm.yaml, .xml] {
            let bytes = Array(
                try Data(contentsOf: URL(filePath: "\(Self.repository)/config/\(form.fileName)"))
            )
            found[form.fileName] = JobConfig(bytes, named: form.fileName, environment: [:])
            let checked = check(bytes, named: form.fileName)
            #expect(checked.problems.map(\.line) == [])
            #expect(checked.warnings.map(\.line) == [])
            #expect(checked.runners == ["s3"])
            #expect(checked.environments == ["s3", "s3_large"])
        }
        let yaml = try #require(found["job_conf.yml"])
        let xml = try #require(found["job_conf.xml"])
        #expect(words(yaml) == words(xml))
        #expect(words(xml).count > 25)
        #expect(xml.environments.last?.tags == ["large"])
    }

    /// Everything that is said, numbers and flags as texts.
    private func words(_ config: JobConfig) -> [String] {
        let sections =
            config.runners.map { ("runner", $0) } + config.environments.map { ("environment", $0) }
            + config.tools.map { ("tool", $0) }
        let said = sections.flatMap { kind, section in
            let taken = kind == "tool" ? ["class"] : section.parameters.map(\.name)
            let parameters = taken.filter { !["tags", "resubmit"].contains($0) }
                .compactMap { name in section[name].map { "\(name) \(text($0.value))" } }
            let tags = section.tags.map { "tag \($0)" }
            let steps = section.resubmissions.map {
                "on \($0.condition ?? "") to \($0.environment ?? "")"
            }
            return (parameters + tags + steps).map { "\(kind) \(section.name): \($0)" }
        }
        return said.sorted() + ["default \(config.defaultEnvironment ?? "")"]
    }

    private func text(_ value: ParameterValue) -> String {
        switch value {
        case .text(let text): text
        case .flag(let flag): "\(flag)"
        case .integer(let number): "\(number)"
        case .map:
            value.text(for: KubernetesKeys.nodeSelector.key)?.replacing(":", with: ": ") ?? ""
        default: "\(value)"
        }
    }

    @Test("Galaxy expands macros: a file with them is not looked at, and not called wrong")
    func macrosAreNoProblem() {
        let found = check("<job_conf>\n<macros/><plugins/></job_conf>")
        #expect(found.problems.map(\.line) == [])
        #expect(found.runners == [])
        #expect(
            found.warnings.map(\.line) == [
                "job_conf.xml:2: macros are not expanded here, so nothing in this file is looked at; "
                    + "check a copy that has none"
            ]
        )
    }

    @Test func whatIsRightIsNotRemarked() {
        let found = configuration(
            runner: "<!-- a note --><param id=\"k8s_use_service_account\">True</param>",
            destination: """
                <param id="limits_memory">4Gi</param><param id="max_pod_retries">5</param>
                <env id="LANG">C</env><job_metrics/>
                <resubmit condition="any_failure" destination="local"/>
                """
        )
        #expect(found.problems.map(\.line) == [])
        #expect(found.warnings.map(\.line) == [])
    }

    @Test(arguments: [
        (
            #"<param id="limits_memroy">4Gi</param>"#,
            "unknown parameter limits_memroy; did you mean limits_memory?; write limits_memory"
        ),
        (
            #"<param id="head_node">/bin/x</param>"#,
            "head_node is a parameter of runners; write it there"
        ),
        (
            #"<param id="max_pod_retrials">2</param>"#,
            "max_pod_retrials is max_pod_retries now; write max_pod_retries"
        ),
        (
            #"<param id="metadata">sometimes</param>"#,
            "metadata is none of its words; write external or internal"
        ),
        (
            #"<param name="limits_memory">4Gi</param>"#,
            #"this parameter has no name; write `<param id="…">`"#
        ),
    ])
    func whatIsWrongIsSaidWithItsLine(_ line: String, _ message: String) {
        let found = configuration(destination: line)
        #expect(found.problems.map(\.line) == ["job_conf.xml:12: \(message)"])
    }

    @Test(arguments: [
        (
            #"<resubmit condition="any_failure" destination="nowhere"/>"#,
            "there is no destination nowhere to send jobs to that fail; name one that is there"
        ),
        (
            #"<resubmit condition="any_failure" environment="local"/>"#,
            "Galaxy passes the attribute environment over; delete it"
        ),
        (
            #"<parm id="limits_memory">4Gi</parm>"#,
            "Galaxy passes the element parm over; write param"
        ),
        (
            #"<param id="docker_enabled">true</param>"#,
            "docker_enabled is written twice, and Galaxy takes the last; delete one of them"
        ),
        (
            "<resubmit/>",
            "a job that fails would come back to s3 without end; say on which condition, or where else "
                + "it goes"
        ),
    ])
    func whatGalaxyTakesIsAWarning(_ line: String, _ message: String) {
        let found = configuration(destination: line)
        #expect(found.problems.map(\.line) == [])
        #expect(found.warnings.map(\.line) == ["job_conf.xml:12: \(message)"])
    }

    @Test(arguments: [("4", 0), (" 4 ", 0), ("", 1), ("four", 1), ("0", 1), ("4.0", 1)])
    func workersAreANumber(_ text: String, _ count: Int) {
        let found = check(
            """
            <job_conf><plugins><plugin id="s3" type="runner" \(Self.ours) workers="\(text)"/></plugins>
            <destinations/></job_conf>
            """
        )
        #expect(found.problems.count { $0.what.contains("no whole number") } == count)
    }

    @Test(arguments: [
        (#"<param id="limits_memory"> plenty </param>"#, "kubernetes.limits_memory"),
        (#"<param id="limits_memory">4Gi </param>"#, "kubernetes.limits_memory"),
        (#"<param id="limits.waltime">1h</param>"#, "limits.waltime"),
        (#"<param id="max_pod_retries">21</param>"#, "kubernetes.max_pod_retries"),
    ])
    func valuesAreChecked(_ line: String, _ key: String) throws {
        let found = configuration(destination: line)
        let problem = try #require(found.problems.first)
        #expect(problem.place == "job_conf.xml:12")
        #expect(problem.what.contains(key))
    }

    @Test(arguments: [
        (#"<param id="head_nod">/bin/x</param>"#, "Galaxy does not start with it; write head_node"),
        (#"<param id="requests_memory">1Gi</param>"#, "at the destinations of this runner"),
        (#"<param id="k8s_pod_retries">many</param>"#, "kubernetes.k8s_pod_retries: "),
    ])
    func runnersAreChecked(_ line: String, _ words: String) throws {
        let problem = try #require(configuration(runner: line).problems.first)
        #expect(problem.place == "job_conf.xml:5")
        #expect(problem.line.contains(words), "\(problem.line)")
    }

    @Test func attributesAreNoParameters() {
        let text = """
            <job_conf><plugins><plugin id="s3" type="runner" \(Self.ours)/></plugins><destinations>
            <destination id="a" runner="s3" limits_memory="4Gi" docker_enabled="true"/>
            </destinations></job_conf>
            """
        let found = check(text)
        #expect(
            found.problems.map(\.line) == [
                "job_conf.xml:2: Galaxy passes the attribute limits_memory over; write `<param "
                    + "id=\"limits_memory\">…</param>`, or delete it",
                "job_conf.xml:2: Galaxy looks for no container for the destination a, and a pod "
                    + "needs one; write `<param id=\"docker_enabled\">true</param>`",
            ]
        )
        #expect(
            found.warnings.map(\.line) == [
                "job_conf.xml:2: Galaxy passes the attribute docker_enabled over; write `<param "
                    + "id=\"docker_enabled\">…</param>`, or delete it",
                "job_conf.xml:2: the destination a does not say outputs_to_working_directory; write "
                    + "`<param id=\"outputs_to_working_directory\">true</param>` here, unless "
                    + "galaxy.yml says so",
            ]
        )
    }

    @Test func toolsOfGalaxysOwnMustNotComeByDefault() {
        let found = check(
            """
            <job_conf><plugins><plugin id="s3" type="runner" \(Self.ours)/></plugins>
            <destinations default="other" default_from_environ="PLACE"><destination id="a" runner="s3">
            <param id="outputs_to_working_directory">yes</param><param id="docker_enabled">1</param>
            </destination></destinations>
            <tools><tool class="local" destination="b"/></tools></job_conf>
            """,
            ["PLACE": "a"]
        )
        #expect(found.problems.isEmpty)
        #expect(
            found.warnings.map(\.line) == [
                "job_conf.xml: tools of the class requires_galaxy need Galaxy's files, and come to a; "
                    + "write `<tool class=\"requires_galaxy\" destination=\"…\"/>` with one of a local "
                    + "runner"
            ]
        )
    }

    @Test func valuesComeFromWhereGalaxyTakesThem() {
        let line = #"<param id="limits_memory" from_environ="TOOL_MEMORY">4Gi</param>"#
        #expect(configuration(destination: line).problems.isEmpty)
        let found = configuration(destination: line, ["TOOL_MEMORY": "plenty"])
        #expect(found.problems.first?.what.contains("plenty") == true)
        let other = configuration(
            destination: #"<param id="limits_memory" from_config="tool_memory">4Gi</param>"#
        )
        #expect(other.problems.isEmpty)
        #expect(
            other.warnings.map(\.line) == [
                "job_conf.xml:12: limits_memory is galaxy.yml's tool_memory if that is set, which is "
                    + "not looked at here"
            ]
        )
    }

    @Test func whatGalaxyPassesOverIsSaid() {
        let found = check(
            """
            <job_conf><plugins>
            <plugin id="s3" \(Self.ours)/>
            <plugin id="dynamic" type="runner"/>
            <plugin id="a" type="handler" load="b"/>
            </plugins><destinations>
            <destination id="a"/>
            </destinations></job_conf>
            """
        )
        #expect(found.problems.isEmpty)
        #expect(
            found.warnings.map(\.line) == [
                "job_conf.xml:2: Galaxy passes this plugin over, because it has no type; write "
                    + "`type=\"…\"`",
                "job_conf.xml:4: Galaxy passes this plugin over, because its type is not runner; write "
                    + "`type=\"runner\"`",
                "job_conf.xml:6: Galaxy passes this destination over, because it has no runner; write "
                    + "`runner=\"…\"`",
            ]
        )
    }

    // MARK: What is no job configuration

    @Test(arguments: [
        ("", "job_conf.xml: this is no XML that is read here: it is empty"),
        ("runners: {}\n", "job_conf.xml:1: this is no XML"),
        ("<job_conf>\n<plugins>\n</job_conf>", "job_conf.xml:3: this is no XML"),
        ("<job_conf>\n<a b=\"1\" b=\"2\"/></job_conf>", "an attribute is written twice"),
        ("<job_conf>\n&memory;</job_conf>", "job_conf.xml:2: this is no XML"),
        ("<job_conf/>", "job_conf.xml:1: there are no plugins"),
        ("<job_conf><plugins/>\n<execution/></job_conf>", "there are no destinations"),
    ])
    func isRefused(_ text: String, _ message: String) {
        let lines = check(text).problems.map(\.line)
        #expect(lines.count == 1)
        #expect(lines.first?.contains(message) == true, "\(lines)")
        #expect(lines.first?.utf8.contains(UInt8(ascii: "\n")) == false)
    }

    @Test func whatIsTooDeepIsRefused() {
        let deep = String(repeating: "<a>\n", count: 1000)
        #expect(check(deep + String(repeating: "</a>", count: 1000)).problems.count == 1)
    }

    // MARK: What Galaxy reads and this does not

    @Test(arguments: [
        ("<!DOCTYPE job_conf SYSTEM \"file:///etc/passwd\">\n<job_conf/>", 1),
        (
            """
            <?xml version="1.0"?>
            <!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>
            <job_conf>&c;</job_conf>
            """,
            2
        ),
    ])
    func aDocumentTypeIsNotLookedAt(_ text: String, line: Int) {
        let found = check(text)
        #expect(found.problems.map(\.line) == [])
        #expect(
            found.warnings.map(\.line) == [
                "job_conf.xml:\(line): nothing in this file is looked at, because it declares a document "
                    + "type; write out what its entities stand for, and delete it"
            ]
        )
    }

    @Test func otherEncodingsAreNotLookedAt() {
        let latin = Array("<?xml version='1.0' encoding='ISO-8859-1'?>\n<a b='".utf8) + [0xE9]
        let text = "<?xml version='1.0' encoding='UTF-16'?><job_conf/>"
        let wide = text.utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
        for (bytes, place, why) in [
            (latin + Array("'/>".utf8), "job_conf.xml:2", "it is not UTF-8"),
            ([0xFF, 0xFE] + wide, "job_conf.xml", "it is in UTF-16"),
        ] {
            let found = check(bytes)
            #expect(found.problems.map(\.line) == [])
            #expect(
                found.warnings.map(\.line) == [
                    "\(place): nothing in this file is looked at, because \(why); save it in UTF-8"
                ]
            )
        }
    }
}
