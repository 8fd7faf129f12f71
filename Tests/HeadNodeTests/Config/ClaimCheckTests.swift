// SPDX-License-Identifier: Apache-2.0

import Names
import Testing

@testable import HeadNode

/// What `check-config` says of volume claims.
@Suite struct ClaimCheckTests {
    private func warnings(
        _ claims: String,
        galaxy: String,
        executor: Settings.ExecutorKind? = .kubernetes
    ) -> [String] {
        let text = """
            runners:
              s3:
                load: galaxy_s3_executor.runner:S3JobRunner
                k8s_persistent_volume_claims: \(claims)
            """
        return JobConfigCheck(
            JobConfig(Array(text.utf8), named: "job_conf.yml", environment: [:]),
            SettingsSources(
                file: nil,
                environment: ["HOME": "/root"],
                flags: ["s3.bucket=galaxy", "kubernetes.worker_image=localhost/worker:1"]
            ),
            executor: executor,
            galaxy: GalaxyPlaces(galaxyFile: Array(galaxy.utf8))
        )
        .warnings.map(\.line)
    }

    @Test(arguments: [
        ("{data_dir: /data/galaxy}", "data_dir, /data/galaxy,"),
        ("{file_path: /data/galaxy/files}", "file_path, /data/galaxy/files,"),
        ("{job_working_directory: /data}", "job_working_directory, /data,"),
        ("{tool_data_path: /data//galaxy/}", "tool_data_path, /data/galaxy,"),
        ("{data_dir: /var/galaxy, file_path: /data/galaxy/x}", "file_path, /data/galaxy/x,"),
    ])
    func `a claim over Galaxy's files is said with its place`(_ galaxy: String, _ place: String) {
        #expect(
            warnings("galaxy-pvc:/data/galaxy", galaxy: "galaxy: \(galaxy)\n") == [
                "job_conf.yml:4:5: kubernetes.k8s_persistent_volume_claims: the claim galaxy-pvc at "
                    + "/data/galaxy and Galaxy's \(place) would hide each other; a job that has "
                    + "files where a claim hides them is refused; take the claim out: what Galaxy "
                    + "itself uses goes through the bucket"
            ]
        )
    }

    @Test(arguments: [
        "", "galaxy: {}\n", "galaxy: [\n", "galaxy: {file_path: objects}\n",
        "galaxy: {file_path: /galaxy/files}\n", "galaxy: {data_dir: database}\n",
        "galaxy: {data_dir: /galaxy, object_store_config_file: stores.yml}\n",
    ])
    func `where nothing can be compared, one warning says what may happen`(_ galaxy: String) {
        let found = warnings("licences:/licences:r,other:/other", galaxy: galaxy)
        #expect(found.count == 1)
        #expect(found.first?.contains("nothing of Galaxy's needs a claim") == true)
    }

    @Test(arguments: [
        "galaxy: {data_dir: /galaxy}\n", "galaxy: {data_dir: /galaxy, file_path: objects}\n",
        "galaxy: {file_path: /galaxy/files, job_working_directory: /galaxy/jobs}\n",
    ])
    func `a claim that hides nothing is nobody's trouble`(_ galaxy: String) {
        #expect(warnings("licences:/licences:r", galaxy: galaxy) == [])
    }

    @Test func `relative names are below data_dir`() {
        let galaxy = "galaxy: {data_dir: /galaxy, job_working_directory: ../jobs}\n"
        let places = GalaxyPlaces(galaxyFile: Array(galaxy.utf8)).places
        #expect(places.map(\.path.description) == ["/galaxy", "/jobs"])
    }

    @Test func `local tools see no claims`() {
        #expect(warnings("a:/data", galaxy: "", executor: .local) == [])
    }
}
