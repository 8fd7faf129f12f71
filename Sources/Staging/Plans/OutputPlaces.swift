// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Names

/// Where a job's outputs come back to: never where something lies that this job or another one needs.
/// Pure.
///
/// Outputs may lie beside anything, as in Galaxy's file store, and anywhere in the job directory.
struct OutputPlaces {
    /// The first thing that is wrong; nil if all is well.
    let problem: String?

    init(_ job: JobDescription) {
        let places = Self.places(of: job)
        problem =
            Self.overlap(places) ?? Self.replaced(job, places) ?? Self.foreign(job, places)
    }

    /// A path, and what comes back to it, in words.
    private struct Place {
        let path: FilePath
        let words: String
    }

    private static func places(of job: JobDescription) -> [Place] {
        job.outputs.flatMap { output in
            let name = output.name.logSafe
            var places = [Place(path: output.path, words: "the output \(name)")]
            if let extra = output.extraFiles {
                places.append(Place(path: extra, words: "the directory of extra files of \(name)"))
            }
            return places
        }
    }

    private static func overlap(_ places: [Place]) -> String? {
        var known: [FilePath: String] = [:]
        for place in places {
            if let other = known.updateValue(place.words, forKey: place.path) {
                return "\(place.path) is \(other) and \(place.words)"
            }
        }
        for place in places {
            for above in place.path.ancestors {
                guard let other = known[above] else { continue }
                return "\(place.words), \(place.path), lies below \(other), \(above)"
            }
        }
        return nil
    }

    /// What the job needs, and what is at, above or below it.
    private static func replaced(
        _ job: JobDescription,
        _ places: [Place]
    ) -> String? {
        let known = Dictionary(places.map { ($0.path, $0.words) }) { first, _ in first }
        let needed = Needed(job)
        for (path, what) in needed.all {
            for there in [path] + path.ancestors {
                guard let words = known[there] else { continue }
                return there == path
                    ? "\(path) is \(what) and \(words)"
                    : "\(what), \(path), lies below \(words), \(there)"
            }
        }
        for place in places {
            for above in place.path.ancestors {
                guard let what = needed.what(at: above) else { continue }
                return "\(place.words), \(place.path), lies in \(what), \(above)"
            }
            if let what = needed.what(at: place.path) {
                return "\(place.path) is \(what) and \(place.words)"
            }
        }
        return nil
    }

    /// Galaxy names job directories by the job's number: another number beside ours is another job's.
    private static func foreign(
        _ job: JobDescription,
        _ places: [Place]
    ) -> String? {
        let own = job.jobDirectory
        guard own.lastComponent.elementsEqual(job.galaxyID.utf8), let jobs = own.parent else {
            return nil
        }
        for place in places where !place.path.isAtOrBelow(own) {
            let below = place.path.relative(to: jobs)?.bytes
            guard let name = below?.split(separator: FilePath.separator).first else { continue }
            let isNumber = name.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            if isNumber { return "\(place.words), \(place.path), lies in another job's directory" }
        }
        return nil
    }
}

/// What must stay as it is while a job runs.
private struct Needed {
    /// Each path, with what it is.
    private(set) var all: [(path: FilePath, what: String)] = []
    private var whats: [FilePath: String] = [:]
    /// What the names of several files may begin with.
    private let beginnings: Set<FilePath>
    private let jobDirectory: FilePath

    init(_ job: JobDescription) {
        beginnings = Set(job.referenceData.map(\.path))
        jobDirectory = job.jobDirectory
        // Outputs lie in it, and never above.
        all.append((jobDirectory, "the job directory"))
        for input in job.inputs {
            add(input.path, "an input")
            if let extra = input.extraFiles {
                add(extra, "the directory of extra files of an input")
            }
            for file in input.metadataFiles ?? [] { add(file, "a metadata file of an input") }
        }
        for data in job.referenceData { addShared(data.path, "reference data") }
        for tool in job.toolFiles {
            guard let files = tool.files else {
                addShared(tool.root, "a tool's directory")
                continue
            }
            for file in files {
                // A name that is too long is refused where the file is looked for.
                guard let path = try? tool.root.appending(file) else { continue }
                add(path, "a tool's file")
            }
        }
    }

    /// What is needed at `place`; nil for nothing.
    func what(at place: FilePath) -> String? {
        if let what = whats[place] { return what }
        // `…/hg38` stands for every `…/hg38.*` as well.
        guard !beginnings.isEmpty, let parent = place.parent else { return nil }
        let name = place.lastComponent
        for index in name.indices.dropFirst() where name[index] == UInt8(ascii: ".") {
            guard let beginning = try? parent.appending(name[..<index]) else { continue }
            if beginnings.contains(beginning) { return "reference data" }
        }
        return nil
    }

    private mutating func add(_ path: FilePath, _ what: String) {
        all.append((path, what))
        whats[path] = what
    }

    /// The job directory is the job's own, also below a directory that travels whole.
    private mutating func addShared(_ path: FilePath, _ what: String) {
        if !jobDirectory.isAtOrBelow(path) { add(path, what) }
    }
}

extension FilePath {
    /// The directories above, nearest first.
    fileprivate var ancestors: [FilePath] {
        Array(sequence(first: self, next: \.parent).dropFirst())
    }
}
