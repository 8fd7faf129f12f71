// SPDX-License-Identifier: Apache-2.0

import Transport

/// One request of a call, before it has credentials.
struct ClusterRequest: Sendable {
    let call: ClusterCall
    let url: ClusterURL
    var method: HTTPRequest.Method = .get
    var body: [UInt8]?
    var contentType = "application/json"
    var accept = "application/json"
    /// A server that is well answers within a minute, whatever it has to ask first.
    var silenceLimit: Duration = .seconds(45)
    /// Bytes a second below which it counts as silent.
    var silenceRate = 1024

    init(_ call: ClusterCall, _ url: ClusterURL) {
        self.call = call
        self.url = url
    }
}
