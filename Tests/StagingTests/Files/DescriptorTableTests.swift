// SPDX-License-Identifier: Apache-2.0

import Staging
import TestSupport
import Testing

@Suite struct DescriptorTableTests {
    @Test func itHasRoomForAThousandFiles() throws {
        DescriptorTable.grow()
        let places = try Shell.run("awk '$1 == \"FDSize:\" { print $2 }' /proc/$PPID/status")
        #expect(try #require(Int(places.filter(\.isNumber))) >= 1024)
    }
}
