// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Glibc
import Names
import S3Client
import Transport

/// Why files could not be surveyed, moved or put in place.
package struct StagingError: ExplainedError {
    package enum Code: String, Sendable, CaseIterable {
        /// A file that the job needs is not there.
        case missing
        /// A file is there but may not be read or written.
        case unreadable
        /// A file changed while it was being staged.
        case changed
        /// Not a regular file, directory or link that stays inside; or a path outside the roots.
        case refused
        /// The bytes are not what was promised: size or digest differ.
        case mismatch
        /// A promised object is not in the store.
        case lost
        /// The disk is full, or a quota or our own limit is reached.
        case diskFull = "disk-full"
        /// Any other trouble with the local file system.
        case io
        /// The store did not do its part; the cause says why.
        case store
        /// A document is not what it should be; the cause says why.
        case document
        /// A job that cannot be carried out as described.
        case job
        /// The task was cancelled.
        case cancelled
    }

    package let code: Code
    package let what: String
    package let place: String
    package let cause: (any Error)?
    /// What whoever made the error knew to say of it.
    private let advice: String

    package init(
        _ code: Code,
        what: String,
        place: String = "",
        remedy: String = "",
        cause: (any Error)? = nil
    ) {
        self.code = code
        self.what = what
        self.place = place
        advice = remedy
        self.cause = cause
    }

    package var codeName: String { code.rawValue }

    package var remedy: String {
        let hasOther = (cause as? any ExplainedError)?.firstRemedy.isEmpty == false
        return advice.isEmpty && !hasOther ? code.remedy : advice
    }

    /// Whether bytes that were damaged on their way can have led to this, names of files among them.
    var mayComeOfDamage: Bool {
        switch code {
        case .mismatch, .refused, .missing, .io: true
        default: false
        }
    }

    package var isRetryable: Bool {
        (cause as? any ExplainedError)?.isRetryable ?? false
    }

    /// The system call that `action` names has failed on `path` with `number` (errno).
    package static func system(
        _ action: String,
        _ path: String,
        _ number: Int32 = errno
    ) -> StagingError {
        let reason = String(cString: strerror(number))
        let what = "Cannot \(action) \(path): \(reason)"
        switch number {
        case ENOENT, ENOTDIR:
            return StagingError(.missing, what: what)
        case EROFS:
            return StagingError(
                .unreadable,
                what: what,
                remedy: "Make the file system there writable again, then go on."
            )
        case EACCES, EPERM:
            return StagingError(
                .unreadable,
                what: what,
                remedy: "Let user \(geteuid()) of group \(getegid()) \(action) \(path)."
            )
        case ENOSPC, EDQUOT, EFBIG:
            return StagingError(.diskFull, what: what, remedy: Code.diskFull.remedy)
        case ELOOP, EXDEV:
            return StagingError(
                .refused,
                what: "Cannot \(action) \(path): a symbolic link is in the way",
                remedy: "Replace the link by what it points to."
            )
        default:
            return StagingError(.io, what: what, remedy: remedy(number))
        }
    }

    /// What to do about trouble of this machine's that is none of a disk's; empty for what may be one's.
    private static func remedy(_ number: Int32) -> String {
        switch number {
        case EMFILE: "Raise the limit of open files (ulimit -n, LimitNOFILE) of this process."
        case ENFILE: "Raise this machine's limit of open files (fs.file-max)."
        case EAGAIN:
            "Raise the limit of processes (ulimit -u, TasksMax) of whoever runs this."
        case ENOMEM: "Give this process more memory."
        default: ""
        }
    }

    /// The store failed while `action` was under way, or a file of this machine's did.
    ///
    /// What a source or a sink throws comes back as the last of the causes. It is ours, not the
    /// store's, so it decides: nobody is to look for trouble in a bucket when a disk is full.
    package static func store(_ action: String, _ error: S3Error) -> StagingError {
        for cause in sequence(first: error as any Error, next: \.explainedCause) {
            switch cause {
            case let own as StagingError: return own
            case let failure as FileFailure:
                let code: Code = failure.isFull ? .diskFull : .io
                return StagingError(code, what: "Cannot \(action)", cause: failure)
            case let shrunk as FileShrank:
                return StagingError(.changed, what: "Cannot \(action)", cause: shrunk)
            default: continue
            }
        }
        let code: Code =
            switch error.code {
            case .cancelled: .cancelled
            case .noSuchKey: .lost
            case .corrupted: .mismatch
            default: .store
            }
        return StagingError(code, what: "Cannot \(action)", cause: error)
    }

    /// The file at `path` is not the version any more that was surveyed.
    package static func changed(_ path: FilePath) -> StagingError {
        StagingError(
            .changed,
            what: "\(path) changed while it was being copied",
            remedy: "Let nothing write to it, then run the job again."
        )
    }

    /// A document of the contract is not acceptable.
    package static func document(_ error: ContractError) -> StagingError {
        StagingError(.document, what: error.what, remedy: error.remedy)
    }

    /// A name cannot be used.
    package static func name(_ error: NameError) -> StagingError {
        StagingError(.refused, what: error.what, remedy: error.remedy)
    }
}

extension StagingError.Code {
    /// What can be done where nothing more is known.
    fileprivate var remedy: String {
        switch self {
        case .missing: "Put it there, or leave it out of the job."
        case .unreadable: "Let the user who runs this reach it."
        case .changed: "Let nothing write to it, then run the job again."
        case .refused: "Remove it, or leave it out of the job."
        case .mismatch, .lost:
            "Run the job again; if it stays, find out who else writes to this part of the bucket."
        case .diskFull: "Free space there, or inodes (df -i), then go on."
        case .io: "Look at the disk that it is on."
        case .store: "Run galaxy-head-node doctor; it tries what the bucket has to do."
        case .document: "Find out who wrote it, remove it, then run the job again."
        case .job: "Correct the description; docs/job-description.md explains every field."
        case .cancelled: ""
        }
    }
}

extension Error {
    /// What made this happen, where it says so.
    fileprivate var explainedCause: (any Error)? { (self as? any ExplainedError)?.cause }
}
