// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Chosen once, by the environment: libFuzzer takes the command line.
private let target: FuzzTarget = {
    let name = getenv("GALAXY_S3_FUZZ").map { String(cString: $0) } ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
        puts("GALAXY_S3_FUZZ must be one of: \(FuzzTarget.list)")
        exit(64)
    }
    return target
}()

private typealias Argument = UnsafeMutablePointer<CChar>
private typealias Body = @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt

/// libFuzzer's loop (compiler-rt, FuzzerInterface.h).
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ words: UnsafeMutablePointer<UnsafeMutablePointer<Argument?>>,
    _ body: Body
) -> CInt

/// The program's main, under the name that SwiftPM links it by: libFuzzer brings a main of its own,
/// which would look for another entry.
@_cdecl("Fuzz_main")
func fuzzMain(_ count: CInt, _ words: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
    var count = count
    var words = words
    if getenv("GALAXY_S3_FUZZ_LIST") != nil {
        puts(FuzzTarget.list)
        return 0
    }
    return runDriver(&count, &words, runOne)
}

/// One input, under the name that libFuzzer's own main is linked with.
@_cdecl("LLVMFuzzerTestOneInput")
func runOne(_ start: UnsafePointer<UInt8>?, _ length: Int) -> CInt {
    // SAFETY: libFuzzer lends us these bytes for the call; they are copied here.
    target.run(Array(UnsafeBufferPointer(start: start, count: length)))
    return 0
}
