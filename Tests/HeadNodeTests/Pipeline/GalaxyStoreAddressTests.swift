// SPDX-License-Identifier: Apache-2.0

import Staging
import Testing

@testable import HeadNode

/// Galaxy's object store and the head's bucket must be one server, however they are spelled.
@Suite struct GalaxyStoreAddressTests {
    @Test(
        arguments: [
            ("https://s3.example.org", "https://s3.example.org/", true),
            ("https://s3.example.org:443", "https://s3.example.org", true),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000/", true),
            (nil, nil, true),
            (nil, "https://s3.eu-central-1.amazonaws.com", true),
            ("https://s3.example.org", "http://s3.example.org", false),
            ("https://s3.example.org", "https://s3.example.org:9000", false),
            ("https://s3.example.org", "https://s3.example.net", false),
            ("https://s3.example.org", nil, false),
            ("https://amazonaws.com.example.org", nil, false),
            ("not a url", "not a url", false),
        ] as [(String?, String?, Bool)]
    )
    func isSame(_ one: String?, _ other: String?, _ expected: Bool) {
        #expect(
            JobDescription.isSameServer(one, other, region: "eu-central-1") == expected
        )
    }
}
