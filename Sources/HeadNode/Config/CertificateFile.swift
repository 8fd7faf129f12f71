// SPDX-License-Identifier: Apache-2.0

import Glibc
import Names

/// The certificates that `s3.ca_file` names. Workers get their text on the command line, which is
/// why they must be few and can hold no key.
enum CertificateFile {
    /// The largest file, in bytes; Linux takes 128 KiB in one argument.
    static let longest = 64 << 10

    /// The text of the file at `path`.
    static func read(_ path: FilePath) throws(BadValue) -> String {
        func refuse(_ why: String, _ remedy: String) -> BadValue {
            BadValue(why: "\(path) \(why)", remedy: remedy)
        }
        let bytes: [UInt8]
        do throws(SmallFile.Failure) {
            bytes = try SmallFile.read(path, limit: longest)
        } catch {
            switch error {
            case .tooLong:
                throw refuse(
                    "has more than 64Ki",
                    "Keep only the certificates that the store's own is signed with."
                )
            case .system(let number):
                let reason = String(cString: strerror(number))
                throw refuse("cannot be read: \(reason)", "Make it readable for this user.")
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self),
            text.contains("-----BEGIN CERTIFICATE-----")
        else {
            throw refuse("holds no PEM certificate", "Name a file of PEM certificates.")
        }
        guard !text.contains("PRIVATE KEY-----") else {
            throw refuse("holds a private key", "Keep only the certificates.")
        }
        return text
    }
}
