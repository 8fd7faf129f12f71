// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Names
import Staging

/// The whole volume of a try, as `fetch`, `push` and `install` see it (`PodVolume`).
///
/// Its folders are made here, by the user that all containers run as: those that a kubelet makes
/// for a mount belong to root.
struct VolumeFolder: Sendable {
    let path: FilePath
    private let directory: Directory

    init(path: FilePath) throws(StagingError) {
        self.path = path
        directory = try Directory(path: path)
    }

    /// Makes the folders, and puts this program where the tool's container finds it. Doing it again
    /// changes nothing.
    func prepare(roots: Int) throws(StagingError) {
        for index in 0..<roots { try make(PodVolume.root(index)) }
        try make(PodVolume.toolState)
        try make(PodVolume.programs)
        try make(PodVolume.temporary)
        let programs = try directory.directory(try relative(PodVolume.programs))
        let own = try naming { () throws(NameError) in try FilePath("/proc/self/exe") }
        try programs.install(program: own, as: try relative(PodVolume.worker))
    }

    /// Opens the job's roots where they are in the volume, under the paths that the job knows.
    func roots(_ paths: [FilePath]) throws(StagingError) -> RootSet {
        var roots: [Directory] = []
        for (index, path) in paths.enumerated() {
            let place = try naming { () throws(NameError) in
                try self.path.appending(PodVolume.root(index))
            }
            roots.append(try Directory(path: place, knownAs: path))
        }
        return RootSet(open: roots)
    }

    private func make(_ name: String) throws(StagingError) {
        try directory.makeDirectories(try relative(name))
    }

    private func relative(_ name: String) throws(StagingError) -> RelativePath {
        try naming { () throws(NameError) in try RelativePath(name) }
    }
}
