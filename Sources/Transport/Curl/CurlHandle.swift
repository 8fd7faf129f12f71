// SPDX-License-Identifier: Apache-2.0

import CCurl

/// The options and facts of an easy handle, typed. It owns nothing.
struct CurlHandle {
    let easy: OpaquePointer

    func set(_ option: CURLoption, _ value: Bool) throws(CurlCode) {
        try set(option, value ? 1 : 0)
    }

    func set(_ option: CURLoption, _ value: Int) throws(CurlCode) {
        try CurlCode.check(ccurl_set_long(easy, option, value))
    }

    func set(_ option: CURLoption, milliseconds value: Duration) throws(CurlCode) {
        try set(option, Int(max(value / .milliseconds(1), 1).rounded(.up)))
    }

    func set(_ option: CURLoption, seconds value: Duration) throws(CurlCode) {
        try set(option, Int(max(value / .seconds(1), 1).rounded(.up)))
    }

    func set(_ option: CURLoption, bytes value: Int64) throws(CurlCode) {
        try CurlCode.check(ccurl_set_offset(easy, option, curl_off_t(value)))
    }

    func set(_ option: CURLoption, _ value: String?) throws(CurlCode) {
        try CurlCode.check(ccurl_set_string(easy, option, value))
    }

    func set(_ option: CURLoption, pointer value: UnsafeMutableRawPointer?) throws(CurlCode) {
        try CurlCode.check(ccurl_set_pointer(easy, option, value))
    }

    /// The bytes have to live as long as the handle uses them.
    func set(_ option: CURLoption, borrowed value: UnsafeRawBufferPointer) throws(CurlCode) {
        try CurlCode.check(ccurl_set_borrowed_blob(easy, option, value.baseAddress, value.count))
    }

    func set(_ option: CURLoption, callback value: ccurl_data_callback) throws(CurlCode) {
        try CurlCode.check(ccurl_set_data_callback(easy, option, value))
    }

    /// 0 where libcurl does not know.
    func number(_ info: CURLINFO) -> Int {
        var value = 0
        return ccurl_get_long(easy, info, &value) == CURLE_OK ? value : 0
    }

    /// 0 where libcurl does not know.
    func offset(_ info: CURLINFO) -> Int64 {
        var value: curl_off_t = 0
        return ccurl_get_offset(easy, info, &value) == CURLE_OK ? Int64(value) : 0
    }
}
