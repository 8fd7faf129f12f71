// SPDX-License-Identifier: Apache-2.0

import CCurl
import Diagnostics

/// What every transfer of one transport has in common; owned by the loop thread.
///
/// It lends its certificates and its list to the handles, so it outlives them.
final class CurlSettings {
    private let options: CurlTransport.Options
    private let trusted: UnsafeRawBufferPointer?
    private let certificate: UnsafeRawBufferPointer?
    private let key: UnsafeRawBufferPointer?
    private let detour: UnsafeMutablePointer<curl_slist>?
    private let exceptions: ProxyExceptions

    init(_ options: CurlTransport.Options) {
        self.options = options
        trusted = if case .pem(let bytes) = options.trust { .copy(of: bytes) } else { nil }
        certificate = options.clientCertificate.map { .copy(of: $0.certificatePEM) }
        key = options.clientCertificate.map { .copy(of: $0.keyPEM.reveal()) }
        exceptions =
            options.proxyExceptions.map { ProxyExceptions($0) }
            ?? (options.proxy == nil ? .ofEnvironment() : ProxyExceptions(""))
        // libcurl's spelling: whatever the URL's host and port, connect to these.
        detour = options.connectTo.map { curl_slist_append(nil, "::" + $0) } ?? nil
    }

    deinit {
        // SAFETY: allocated in init; the loop has cleaned up every handle that borrowed them.
        trusted?.deallocate()
        certificate?.deallocate()
        key?.deallocate()
        curl_slist_free_all(detour)
    }

    /// Sets everything that does not depend on the request, but for how silent a server may be.
    func apply(
        to handle: CurlHandle,
        _ request: HTTPRequest,
        _ origin: Origin
    ) throws(CurlCode) {
        try handle.set(CURLOPT_PROTOCOLS_STR, "http,https")
        try handle.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        try handle.set(CURLOPT_PATH_AS_IS, true)
        try handle.set(CURLOPT_FOLLOWLOCATION, false)
        try handle.set(CURLOPT_NOSIGNAL, true)
        // A resolver thread that hangs is left behind: waiting for it would stop every transfer.
        try handle.set(CURLOPT_QUICK_EXIT, true)
        try handle.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, true)
        try handle.set(CURLOPT_USERAGENT, options.userAgent)
        try handle.set(CURLOPT_BUFFERSIZE, options.receiveBufferBytes)
        try handle.set(CURLOPT_UPLOAD_BUFFERSIZE, options.uploadBufferBytes)
        try handle.set(CURLOPT_EXPECT_100_TIMEOUT_MS, milliseconds: options.continueTimeout)
        try handle.set(CURLOPT_LOW_SPEED_LIMIT, request.silenceRate)
        try handle.set(
            CURLOPT_LOW_SPEED_TIME,
            seconds: request.silenceLimit ?? options.silenceLimit
        )
        try applyConnection(to: handle)
        try handle.set(CURLOPT_NOPROXY, exceptions.list(for: origin))
        try applyTLS(to: handle)
    }

    private func applyConnection(to handle: CurlHandle) throws(CurlCode) {
        if let proxy = options.proxy { try handle.set(CURLOPT_PROXY, proxy.reveal()) }
        if let detour {
            try CurlCode.check(ccurl_set_list(handle.easy, CURLOPT_CONNECT_TO, detour))
        }
        try handle.set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds: options.connectTimeout)
        try handle.set(CURLOPT_TCP_NODELAY, true)
        try handle.set(CURLOPT_TCP_KEEPALIVE, true)
        try handle.set(CURLOPT_TCP_KEEPIDLE, 30)
        try handle.set(CURLOPT_TCP_KEEPINTVL, 10)
        // Servers drop idle connections, some after 20 s: the younger, the likelier alive.
        try handle.set(CURLOPT_MAXAGE_CONN, 15)
    }

    private func applyTLS(to handle: CurlHandle) throws(CurlCode) {
        try handle.set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        switch options.trust {
        case .system: break
        case .file(let path):
            try handle.set(CURLOPT_CAINFO, path)
            try handle.set(CURLOPT_CAPATH, nil)
        case .pem:
            if let trusted { try handle.set(CURLOPT_CAINFO_BLOB, borrowed: trusted) }
            try handle.set(CURLOPT_CAPATH, nil)
        }
        if let certificate, let key {
            try handle.set(CURLOPT_SSLCERT_BLOB, borrowed: certificate)
            try handle.set(CURLOPT_SSLKEY_BLOB, borrowed: key)
        }
    }
}

extension UnsafeRawBufferPointer {
    /// A copy that the caller deallocates.
    fileprivate static func copy(of bytes: [UInt8]) -> UnsafeRawBufferPointer {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        copy.copyBytes(from: bytes)
        return UnsafeRawBufferPointer(copy)
    }
}
