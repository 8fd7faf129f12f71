// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The three descriptors that every program expects to be open.
package enum StandardStreams {
    /// Opens those that whoever started this program has closed, on nothing.
    ///
    /// The next file that is opened would get the number of one of them, and then what is said there:
    /// a result of a job, with a line of a log in it.
    package static func fill() {
        var descriptor: Int32
        repeat { descriptor = open("/dev/null", O_RDWR) } while (0...2).contains(descriptor)
        if descriptor > 2 { close(descriptor) }
    }
}
