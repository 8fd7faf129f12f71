// SPDX-License-Identifier: Apache-2.0

import Glibc
import S3Client
import TestSupport
import Testing

/// The test's bucket, mounted by s3fs below the test's folder.
final class MountedBucket {
    let path: String
    private let program: RunningProgram

    /// Whether this machine can mount a bucket.
    static var isPossible: Bool {
        access("/usr/bin/s3fs", X_OK) == 0 && access("/dev/fuse", R_OK | W_OK) == 0 && getuid() == 0
    }

    /// What the head node is told of it.
    var settings: [String] { ["--set", "output_mode=link", "--set", "link.mount=\(path)"] }

    init(_ lab: Lab) async throws {
        path = "\(lab.folder)/mount"
        try Shell.run("mkdir \(path)")
        let options = "url=\(lab.server.endpoint),use_path_request_style,ro,allow_other,umask=0022"
        program = try RunningProgram(
            ["/usr/bin/s3fs", lab.server.bucket, path, "-f", "-o", options],
            environment: lab.environment,
            streams: "\(lab.folder)/streams/s3fs"
        )
        let (program, path) = (program, path)
        try await Patience.long.wait("the bucket to be mounted") {
            try #require(!program.hasEnded, "\(program.errors)")
            return (try? Shell.run("mountpoint -q \(path)")) != nil
        }
    }

    /// It answers nobody from now on.
    func freeze() { program.send(SIGSTOP) }

    func remove() {
        program.send(SIGCONT)
        _ = try? Shell.run("umount --lazy \(path) || true")
        program.send(SIGKILL)
    }
}
