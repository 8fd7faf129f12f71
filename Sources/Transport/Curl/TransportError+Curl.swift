// SPDX-License-Identifier: Apache-2.0

import CCurl
import Diagnostics

extension TransportError {
    /// What libcurl's `code` means for the request.
    ///
    /// - Parameters:
    ///   - text: libcurl's own account; it names hosts and files, never a URL.
    ///   - mayBeSent: whether the request was about to be put on a connection.
    static func curl(
        _ code: CurlCode,
        text: String,
        handle: CurlHandle,
        mayBeSent: Bool,
        origin: Origin
    ) -> TransportError {
        let account = text.isEmpty ? code.description : text.logSafe
        func error(_ code: Code, _ what: String, _ remedy: String = "") -> TransportError {
            TransportError(
                code,
                what: "\(what): \(account)",
                place: origin.description,
                remedy: remedy
            )
        }
        let proxyAnswer = handle.number(CURLINFO_HTTP_CONNECTCODE)
        if !mayBeSent, proxyAnswer >= 300 {
            // A proxy that cannot reach the server says 5xx; that passes.
            return error(
                proxyAnswer >= 500 ? .unreachable : .proxy,
                "The proxy answered \(proxyAnswer)",
                "Check the proxy's address and password, and whether it lets us through to \(origin)."
            )
        }
        switch code.value {
        case CURLE_COULDNT_RESOLVE_HOST:
            return error(.unresolved, "The host's name is unknown", Self.nameRemedy)
        case CURLE_COULDNT_RESOLVE_PROXY:
            return error(.unresolved, "The proxy's name is unknown", Self.nameRemedy)
        case CURLE_OPERATION_TIMEDOUT where mayBeSent:
            return error(.interrupted, "The server fell silent")
        case CURLE_OPERATION_TIMEDOUT where handle.offset(CURLINFO_NAMELOOKUP_TIME_T) == 0:
            return error(.unresolved, "The host's name was not resolved in time", Self.nameRemedy)
        case CURLE_COULDNT_CONNECT, CURLE_OPERATION_TIMEDOUT:
            return error(.unreachable, "No connection could be made", Self.reachRemedy)
        case CURLE_PROXY:
            return error(.proxy, "The proxy refused", "Check the proxy's address.")
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS,
            CURLE_SSL_PINNEDPUBKEYNOTMATCH:
            return error(
                .untrusted,
                "The server's certificate is not trusted",
                text.remedyForCertificate
            )
        case CURLE_SEND_ERROR where text.tellsOfRefusedCertificate,
            CURLE_RECV_ERROR where text.tellsOfRefusedCertificate:
            return error(.untrusted, "The server wants another certificate of ours", Self.ownRemedy)
        case CURLE_SSL_CONNECT_ERROR where text.tellsOfPlainText:
            return error(.noTLS, "The server does not speak TLS at this port", Self.plainRemedy)
        case CURLE_SSL_CONNECT_ERROR where !text.tellsOfBrokenConnection:
            return error(.untrusted, "TLS could not be agreed on", Self.tlsRemedy)
        case CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER:
            return error(.usage, "A certificate or key file cannot be used", Self.trustRemedy)
        case CURLE_PARTIAL_FILE:
            return error(.truncated, "The response was cut off")
        case CURLE_URL_MALFORMAT:
            return error(.usage, "The URL cannot be used")
        default:
            return mayBeSent
                ? error(.interrupted, "The connection broke")
                : error(.unreachable, "No connection could be made", Self.reachRemedy)
        }
    }

    private static let nameRemedy = "Check the endpoint's host name and this machine's DNS."
    private static let reachRemedy =
        "Check the endpoint's host and port, and that no firewall or NetworkPolicy is in between."
    fileprivate static let trustRemedy =
        "Name the file with the certificate authority that signed the server's certificate."
    fileprivate static let timeRemedy =
        "Have the server's certificate renewed; if it is not out of date, set this machine's clock."
    fileprivate static let subjectRemedy =
        "Use the host name that is in the server's certificate, or have it made for this one."
    private static let ownRemedy = "Name a client certificate and key that the server accepts."
    private static let plainRemedy = "Use the port for https, or http:// if that is what is meant."
    private static let tlsRemedy =
        "Check that the endpoint speaks https at this port, with TLS 1.2 or later."

    /// Whether a name, dates or a protocol of the server's are wrong, whichever authorities are trusted:
    /// the remedy here says what to do.
    package var isMatterOfServer: Bool {
        [Self.subjectRemedy, Self.timeRemedy, Self.tlsRemedy].contains(remedy)
    }

    static func cancelled(_ origin: Origin) -> TransportError {
        TransportError(.cancelled, what: "Cancelled", place: origin.description)
    }

    static func noResponse(_ origin: Origin) -> TransportError {
        TransportError(.interrupted, what: "No response came", place: origin.description)
    }

    /// - Parameter sent: completes "The server sent".
    static func wrongLength(_ sent: String, _ origin: Origin) -> TransportError {
        TransportError(
            .truncated,
            what: "The server sent \(sent)",
            place: origin.description
        )
    }

    static func unusableHead(_ fault: ResponseHeadReader.Fault, _ origin: Origin) -> TransportError
    {
        switch fault {
        case .malformed(let reason):
            TransportError(
                .interrupted,
                what: "The server's answer is not HTTP: \(reason)",
                place: origin.description
            )
        case .tooLong:
            TransportError(
                .interrupted,
                what: "The server sent more than 256 KiB of header fields",
                place: origin.description
            )
        case .contradictoryLength:
            wrongLength(
                "Content-Length fields that are no numbers or contradict each other",
                origin
            )
        }
    }
}

// OpenSSL has no codes that reach us through libcurl, so these look at its words. Words that change
// make an error less exact, not wrong.
extension String {
    /// Whether the connection went away, as opposed to TLS being refused.
    fileprivate var tellsOfBrokenConnection: Bool {
        contains(anyOf: "SSL_ERROR_SYSCALL", "unexpected eof", "reset by peer")
    }

    /// Whether what came is no TLS at all.
    fileprivate var tellsOfPlainText: Bool { contains(anyOf: "wrong version number") }

    /// What to do about a certificate that libcurl says this of.
    fileprivate var remedyForCertificate: String {
        if contains(anyOf: "subject name") { return TransportError.subjectRemedy }
        return contains(anyOf: "has expired", "not yet valid")
            ? TransportError.timeRemedy : TransportError.trustRemedy
    }

    /// Whether the server sent an alert about our certificate; with TLS 1.3 that comes late.
    fileprivate var tellsOfRefusedCertificate: Bool {
        contains(anyOf: "alert certificate", "alert bad certificate", "alert unknown ca")
    }

    fileprivate func contains(anyOf phrases: String...) -> Bool {
        phrases.contains { phrase in
            utf8.indices.contains { utf8[$0...].starts(with: phrase.utf8) }
        }
    }
}
