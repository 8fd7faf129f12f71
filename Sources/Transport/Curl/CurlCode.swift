// SPDX-License-Identifier: Apache-2.0

import CCurl

/// A result of libcurl that is not success, with libcurl's own words for it.
struct CurlCode: Error, CustomStringConvertible {
    let value: CURLcode

    var description: String {
        curl_easy_strerror(value).map { String(cString: $0) } ?? "libcurl error \(value.rawValue)"
    }

    /// Throws `code` unless it is success.
    static func check(_ code: CURLcode) throws(CurlCode) {
        guard code == CURLE_OK else { throw CurlCode(value: code) }
    }
}
