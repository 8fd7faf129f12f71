// SPDX-License-Identifier: Apache-2.0

import Contract
import Names
import Staging

/// What a local tool sees as `/`, apart from the job's own directories.
enum RootFileSystemPlan {
    /// Of this machine's /etc, what programs need to find libraries, names and certificates.
    private static let etc = [
        "alternatives", "ca-certificates", "group", "hosts", "java-11-openjdk", "java-17-openjdk",
        "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types", "nsswitch.conf",
        "passwd", "perl", "pki/ca-trust/extracted", "pki/tls/certs", "protocols", "python3",
        "resolv.conf", "services",
        // Not /etc/ssl whole: private keys are in it.
        "ssl/certs", "ssl/openssl.cnf",
    ]

    /// The mounts that make the root.
    static func mounts(
        for root: LocalSettings.RootFileSystem
    ) throws(StagingError) -> [BubblewrapPlan.Mount] {
        switch root {
        case .host: try host()
        case .directory(let path): try directory(path)
        }
    }

    /// This machine's programs and libraries, read-only.
    private static func host() throws(StagingError) -> [BubblewrapPlan.Mount] {
        let top = try Directory(path: .root)
        var mounts = [BubblewrapPlan.Mount.readOnly(try path("/usr"), at: try path("/usr"))]
        for name in try top.names() where isSystem(name) {
            if let mount = try entry(name, in: top, hostFolder: .root) { mounts.append(mount) }
        }
        for name in etc {
            let place = try path("/etc/\(name)")
            mounts.append(.readOnlyIfPresent(place, at: place))
        }
        return mounts
    }

    private static func isSystem(_ name: [UInt8]) -> Bool {
        name == Array("bin".utf8) || name == Array("sbin".utf8) || name.starts(with: "lib".utf8)
    }

    /// Every entry of a directory that holds a root file system, read-only; what the kernel and
    /// bubblewrap provide is left out.
    private static func directory(_ folder: FilePath) throws(StagingError) -> [BubblewrapPlan.Mount]
    {
        let provided = Set(["proc", "dev", "sys", "tmp", "galaxy-s3"].map { Array($0.utf8) })
        let top = try Directory(path: folder)
        var mounts: [BubblewrapPlan.Mount] = []
        for name in try top.names() where !provided.contains(name) {
            if let mount = try entry(name, in: top, hostFolder: folder) { mounts.append(mount) }
        }
        return mounts
    }

    private static func entry(
        _ name: [UInt8],
        in top: Directory,
        hostFolder: FilePath
    ) throws(StagingError) -> BubblewrapPlan.Mount? {
        let place = try naming { () throws(NameError) in try FilePath.root.appending(name) }
        let source = try naming { () throws(NameError) in try hostFolder.appending(name) }
        let relative = try naming { () throws(NameError) in try RelativePath(name) }
        switch try top.status(relative)?.kind {
        case .link: return .link(try top.linkTarget(relative), at: place)
        case .directory, .file: return .readOnly(source, at: place)
        default: return nil
        }
    }

    private static func path(_ text: String) throws(StagingError) -> FilePath {
        try naming { () throws(NameError) in try FilePath(text) }
    }
}
