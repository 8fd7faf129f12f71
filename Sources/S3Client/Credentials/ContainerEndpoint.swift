// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// Where a container asks for its credentials, by the rules of the AWS SDKs: an https host, this
/// machine, or one of the addresses that ECS and EKS have for it. A token goes there.
struct ContainerEndpoint {
    static let relativeVariable = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
    static let fullVariable = "AWS_CONTAINER_CREDENTIALS_FULL_URI"

    private static let ecs = "http://169.254.170.2"
    /// Of ECS, then of EKS Pod Identity.
    private static let plainHosts: Set = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"]

    let url: String
    /// The URL without its path, which names whose credentials they are.
    let origin: String

    /// What the environment says; nil when it says nothing.
    init?(_ environment: [String: String]) throws(S3Error) {
        if let path = environment[Self.relativeVariable], !path.isEmpty {
            guard path.utf8.first == UInt8(ascii: "/"), Self.isPlain(path.utf8) else {
                throw Self.odd(Self.relativeVariable, "it is not a path", "Begin it with a slash.")
            }
            url = Self.ecs + path
            origin = Self.ecs
        } else if let text = environment[Self.fullVariable], !text.isEmpty {
            origin = try Self.origin(of: text)
            url = text
        } else {
            return nil
        }
    }

    private static func origin(of text: String) throws(S3Error) -> String {
        let bytes = Array(text.utf8)
        let colon = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
        let start = min(colon + "://".utf8.count, bytes.endIndex)
        let end = bytes[start...].firstIndex { "/?#".utf8.contains($0) } ?? bytes.endIndex
        let origin = String(decoding: bytes[..<end], as: UTF8.self)
        let parsed: S3EndpointText
        do throws(S3Error) { parsed = try S3EndpointText(origin) } catch {
            throw odd(fullVariable, error.what, "Write http://host/path or https://host/path.")
        }
        guard isPlain(bytes[end...]), !bytes.contains(UInt8(ascii: "#")) else {
            throw odd(fullVariable, "its path holds a character no URL has", "Encode it.")
        }
        guard parsed.isTLS || parsed.isLoopback || plainHosts.contains(parsed.host) else {
            throw odd(
                fullVariable,
                "http:// to \(parsed.host.logSafe) would show the token",
                "Write https://, or use this machine or the address that ECS or EKS gives."
            )
        }
        return origin
    }

    private static func isPlain(_ bytes: some Sequence<UInt8>) -> Bool {
        bytes.allSatisfy { (0x21...0x7E).contains($0) }
    }

    private static func odd(_ variable: String, _ why: String, _ remedy: String) -> S3Error {
        .configuration("Cannot use \(variable): \(why)", remedy: remedy)
    }
}
