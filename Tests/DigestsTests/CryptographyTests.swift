// SPDX-License-Identifier: Apache-2.0

import Digests
import Glibc
import Testing

@Suite struct CryptographyTests {
    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func `SHA-256 vectors of FIPS 180-4`(message: String, hex: String) {
        #expect(SHA256Digest(of: Array(message.utf8)).hex == hex)
    }

    /// Threads of libcurl's close their connections meanwhile.
    @Test func `while the program ends libcrypto goes on working`() async {
        await #expect(processExitsWith: .exitCode(7)) {
            // What is left for the end is done in reverse order: this after what libcrypto may have left.
            atexit { _exit(SHA256Digest(of: []).hex.hasPrefix("e3b0c442") ? 7 : 1) }
            Cryptography.start()
            exit(0)
        }
    }

    @Test func `SHA-256 does not depend on how the message is cut`() {
        var hasher = SHA256Hasher()
        for _ in 0..<1000 { hasher.update([UInt8](repeating: UInt8(ascii: "a"), count: 999)) }
        hasher.update([UInt8](repeating: UInt8(ascii: "a"), count: 1000))
        hasher.update([])
        #expect(
            hasher.finalize().hex
                == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        )
    }

    /// RFC 4231, cases 1, 2, 6 and an empty key and message.
    @Test(arguments: [
        (
            [UInt8](repeating: 0x0b, count: 20), "Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            Array("Jefe".utf8), "what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            [UInt8](repeating: 0xaa, count: 131),
            "Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
        ([], "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
    ])
    func `HMAC-SHA-256 vectors`(key: [UInt8], message: String, hex: String) {
        #expect(self.hex(HMACSHA256.code(key: key, message: Array(message.utf8))) == hex)
    }

    @Test func `MD5 vectors of RFC 1321`() {
        #expect(hex(MD5.digest(of: [])) == "d41d8cd98f00b204e9800998ecf8427e")
        #expect(hex(MD5.digest(of: Array("abc".utf8))) == "900150983cd24fb0d6963f7d28e17f72")
    }

    @Test func `Random bytes come in the number asked for and differ`() {
        #expect(SecureRandom.bytes(0).isEmpty)
        #expect(SecureRandom.bytes(33).count == 33)
        #expect(SecureRandom.bytes(16) != SecureRandom.bytes(16))
        #expect(Set(SecureRandom.bytes(4096)).count > 200)
    }
}
