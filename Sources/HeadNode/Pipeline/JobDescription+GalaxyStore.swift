// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Names
import S3Client
import Staging

extension JobDescription {
    /// Refuses datasets in a bucket of Galaxy's that is not the head's own: a bucket of the same name
    /// at another endpoint may well have another object at the same key.
    func checkObjects(_ settings: Settings) throws(HeadError) {
        for input in inputs {
            for object in [input.object, input.extraFilesObject].compactMap(\.self) {
                try check(object, "input \(input.path)", settings)
            }
        }
        guard settings.staging.outputsAreObjects else { return }
        for output in outputs {
            guard let object = output.object else { continue }
            let what = "output \"\(output.name.logSafe)\""
            try check(object, what, settings)
            guard !object.key.bytes.starts(with: "\(settings.prefix)/".utf8) else {
                throw HeadError(
                    .description,
                    what: "Galaxy's object store would keep the \(what) below s3.prefix",
                    place: object.key.logSafe,
                    remedy: "Set s3.prefix to something that no key of Galaxy's begins with."
                )
            }
        }
    }

    private func check(
        _ object: StoreObject,
        _ what: String,
        _ settings: Settings
    ) throws(HeadError) {
        let storage = settings.storage
        let isSame =
            object.bucket == storage.bucket
            && Self.isSameServer(object.endpoint, storage.endpoint, region: storage.region)
        guard !isSame else { return }
        func place(_ bucket: String, _ endpoint: String?) -> String {
            "s3://\(bucket.logSafe) at \(endpoint?.logSafe ?? "AWS")"
        }
        throw HeadError(
            .description,
            what: "Galaxy's object store has the \(what) in "
                + "\(place(object.bucket, object.endpoint)), and jobs go through "
                + place(storage.bucket, storage.endpoint),
            remedy: "`output_mode: object_store` needs one bucket for both, and the same endpoint, "
                + "spelled alike, in Galaxy's object store and in s3.endpoint."
        )
    }

    /// Whether two endpoints as administrators write them are the same server.
    static func isSameServer(_ one: String?, _ other: String?, region: String) -> Bool {
        func server(_ url: String?) -> S3Endpoint? {
            try? S3Endpoint(
                url: url,
                bucket: "any",
                region: region,
                addressing: .path,
                allowHTTP: true
            )
        }
        guard let one = server(one), let other = server(other) else { return false }
        let aws = Array(".amazonaws.com".utf8)
        let isAWS = [one, other].allSatisfy { $0.host.utf8.suffix(aws.count).elementsEqual(aws) }
        return isAWS || (one.host, one.port, one.isTLS) == (other.host, other.port, other.isTLS)
    }
}
