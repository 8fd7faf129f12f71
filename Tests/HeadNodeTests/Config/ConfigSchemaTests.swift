// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HeadNode

@Suite struct ConfigSchemaTests {
    @Test func namesInTheEnvironmentAreOfOneKeyEach() {
        let names = ConfigSchema.keys.map(\.environmentName)
        #expect(Set(names).count == names.count)
        #expect(!names.contains(ConfigSchema.fileVariable))
        #expect(ConfigSchema.bucket.key.environmentName == "GALAXY_S3_EXECUTOR_S3_BUCKET")
        #expect(ConfigSchema.instance.key.environmentName == "GALAXY_S3_EXECUTOR_INSTANCE")
    }

    @Test func pathsAreOfOneKeyEachAndNoneIsASectionToo() {
        let paths = ConfigSchema.keys.map(\.path)
        #expect(Set(paths).count == paths.count)
        #expect(!paths.contains(where: ConfigSchema.isSection))
        #expect(ConfigSchema.keys.allSatisfy { (1...2).contains($0.components.count) })
    }

    @Test(arguments: [
        ("retires", "retries"), ("bucket", "s3.bucket"), ("s3.endpont", "s3.endpoint"),
        ("s3.allowhttp", "s3.allow_http"), ("stagin", "staging"),
        ("limits.wall_time", "limits.walltime"),
        ("pack_below", "staging.pack_below"),
        ("kubernetes.namespace", "kubernetes.k8s_namespace"),
        ("kubernetes.request_cpu", "kubernetes.requests_cpu"),
    ])
    func anUnknownKeyIsNearOne(_ written: String, _ meant: String) {
        #expect(UnknownKey(written).suggestion == meant)
    }

    @Test func aKeyLikeNoOtherHasNoSuggestion() {
        #expect(UnknownKey("quantum.entanglement").suggestion == nil)
    }

    @Test(arguments: ["s3.secret_access_key", "s3.access_key", "password", "s3.session_token"])
    func aSecretIsToldToGoElsewhere(_ path: String) {
        #expect(UnknownKey(path).explanation.what.contains("secrets do not belong into this file"))
    }

    @Test(arguments: [
        ("kitten", "sitting", 3), ("abc", "abc", 0), ("ab", "ba", 1), ("", "abc", 3),
        ("Region", "region", 0),
    ])
    func distanceCountsEdits(_ a: String, _ b: String, _ distance: Int) {
        #expect(EditDistance.between(Array(a.utf8), Array(b.utf8)) == distance)
    }
}
