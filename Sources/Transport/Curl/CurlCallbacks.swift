// SPDX-License-Identifier: Apache-2.0

import CCurl
import Glibc

// libcurl calls these on the loop thread, from inside curl_multi_perform() and
// curl_multi_remove_handle(), with the transfer as context.

extension CurlTransfer {
    /// Makes libcurl call back.
    func installCallbacks() throws(CurlCode) {
        // SAFETY: not retained: the loop keeps the transfer until the handle is reset.
        let context = Unmanaged.passUnretained(self).toOpaque()
        let handle = CurlHandle(easy: easy)
        try handle.set(CURLOPT_HEADERFUNCTION, callback: onHeader)
        try handle.set(CURLOPT_HEADERDATA, pointer: context)
        try handle.set(CURLOPT_WRITEFUNCTION, callback: onBody)
        try handle.set(CURLOPT_WRITEDATA, pointer: context)
        try handle.set(CURLOPT_READFUNCTION, callback: onRead)
        try handle.set(CURLOPT_READDATA, pointer: context)
        try CurlCode.check(ccurl_set_prereq_callback(easy, onDeparture))
        try handle.set(CURLOPT_PREREQDATA, pointer: context)
        try CurlCode.check(ccurl_set_debug_callback(easy, onComment))
        try handle.set(CURLOPT_DEBUGDATA, pointer: context)
        try handle.set(CURLOPT_VERBOSE, true)
        try CurlCode.check(ccurl_set_socket_callback(easy, onSocket))
    }
}

private func transfer(_ context: UnsafeMutableRawPointer?) -> CurlTransfer {
    guard let context else { preconditionFailure("libcurl lost the transfer") }
    // SAFETY: the pointer set in installCallbacks; the loop still holds the transfer.
    return Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
}

private let onHeader: ccurl_data_callback = { bytes, size, count, context in
    let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
    return transfer(context).take(headerLine: line) ? line.count : 0
}

private let onBody: ccurl_data_callback = { bytes, size, count, context in
    let body = UnsafeRawBufferPointer(start: bytes, count: size * count)
    if body.isEmpty { return 0 }
    return transfer(context).take(body: body) ? body.count : 0
}

private let onRead: ccurl_data_callback = { bytes, size, count, context in
    let buffer = UnsafeMutableRawBufferPointer(start: bytes, count: size * count)
    return transfer(context).read(into: buffer) ?? Int(CURL_READFUNC_ABORT)
}

private let onDeparture: curl_prereq_callback = { context, _, _, _, _ in
    transfer(context).willSend() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
}

private let onComment: curl_debug_callback = { _, kind, bytes, count, context in
    if kind == CURLINFO_TEXT {
        transfer(context).take(comment: UnsafeRawBufferPointer(start: bytes, count: count))
    }
    return 0
}

/// Programs that we start do not inherit connections.
private let onSocket: curl_opensocket_callback = { _, _, address in
    guard let address = address?.pointee else { return CURL_SOCKET_BAD }
    return socket(
        address.family,
        address.socktype | Int32(SOCK_CLOEXEC.rawValue),
        address.protocol
    )
}
