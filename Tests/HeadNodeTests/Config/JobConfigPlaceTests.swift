// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HeadNode

@Suite struct JobConfigPlaceTests {
    @Test(
        arguments: [
            ("galaxy:\n  job_config:\n    runners: {}\n  job_config_file: other.yml\n", .inline),
            ("galaxy: {job_config_file: conf/jobs.xml}\n", .file("conf/jobs.xml")),
            ("galaxy:\n  job_config_file:\n", .usual),
            ("galaxy:\n  job_config: job_conf.yml\n", .usual),
            ("s3_executor: {instance: main}\n", .usual),
            ("", .usual),
            ("galaxy: [\n", .usual),
            ("galaxy:\n  other: !template {a: *nowhere}\n", .usual),
        ] as [(String, JobConfigPlace)]
    )
    func `what galaxy.yml says`(text: String, place: JobConfigPlace) {
        #expect(JobConfigPlace(galaxyFile: Array(text.utf8)) == place)
    }

    @Test func `what is no text says nothing`() {
        #expect(JobConfigPlace(galaxyFile: [0xFF, 0xFE, 0x0A]) == .usual)
    }
}
