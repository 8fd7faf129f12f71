// SPDX-License-Identifier: Apache-2.0

import Glibc
import Names
import TestSupport
import Testing

@testable import HeadNode

@Suite struct MetricsListenerTests {
    @Test func addressesAreReadAsTheyAreWritten() throws {
        let texts = [
            "none", "127.0.0.1:9090", "0.0.0.0:80", "[::1]:9090", "[::]:1", "unix:/run/x.sock",
        ]
        for text in texts { #expect(try MetricsAddress(text).description == text) }
        #expect(try MetricsAddress(":9090").description == "127.0.0.1:9090", "loopback by default")
    }

    @Test(
        arguments: [
            "", "9090", "localhost:9090", "127.1:9090", "127.0.0.1", "127.0.0.1:",
            "127.0.0.1:65536",
            "127.0.0.1:-1", "::1:9090", "[::1:9090", "unix:", "unix:relative", "*:9090", "off",
            "unix:/" + String(repeating: "x", count: 107),
        ]
    )
    func otherAddressesAreRefused(_ text: String) {
        #expect(throws: BadValue.self) { try MetricsAddress(text) }
    }

    @Test func aSocketIsNamedAfterTheServer() throws {
        let address = try MetricsAddress("unix:/run/galaxy-{server}.sock")
        #expect(address.of(server: "main").description == "unix:/run/galaxy-main.sock")
        let plain = try MetricsAddress("127.0.0.1:1")
        #expect(plain.of(server: "main") == plain)
    }

    private func answer(_ head: String) -> String {
        String(decoding: MetricsAnswer(Array(head.utf8)) { "page\n" }.bytes, as: UTF8.self)
    }

    @Test func requestsAreAnswered() {
        let page = answer("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(page.hasPrefix("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"))
        #expect(page.hasSuffix("Content-Length: 5\r\nConnection: close\r\n\r\npage\n"))
        #expect(answer("GET /metrics?x=y HTTP/1.0\r\n\r\n").hasSuffix("page\n"))
        #expect(answer("HEAD /metrics HTTP/1.1\r\n\r\n").hasSuffix("close\r\n\r\n"))
        #expect(answer("GET /healthz HTTP/1.1\r\n\r\n").hasSuffix("\r\n\r\nok\n"))
        #expect(answer("GET / HTTP/1.1\r\n\r\n").hasPrefix("HTTP/1.1 404 "))
        #expect(answer("POST /metrics HTTP/1.1\r\n\r\n").hasPrefix("HTTP/1.1 405 "))
        for odd in ["", "GET", "GET  /metrics HTTP/1.1", "GET /metrics HTTP/2", "\r\n\r\n"] {
            #expect(answer(odd).hasPrefix("HTTP/1.1 400 "), "\(odd)")
        }
    }

    private func curl(_ listener: MetricsListener) throws -> String {
        try Shell.run("curl -sS --max-time 20 http://\(listener.address)/metrics")
    }

    @Test func whoeverHoldsAConnectionOpenHoldsUpNobodyForLong() throws {
        let listener = try MetricsListener(try MetricsAddress("127.0.0.1:0")) { "page\n" }
        defer { listener.stop() }
        #expect(try curl(listener) == "page\n")
        guard case .socket(_, let port) = listener.address else {
            Issue.record("no port")
            return
        }
        try Shell.run(
            """
            exec 3<> /dev/tcp/127.0.0.1/\(port); printf 'GET /metrics HT' >&3
            exec 4<> /dev/tcp/127.0.0.1/\(port)
            { head -c 100000 /dev/zero >&4; } 2> /dev/null || true
            [ "$(curl -sS --max-time 20 http://127.0.0.1:\(port)/metrics)" = page ]
            """
        )
    }

    @Test func aSocketThatWasLeftBehindIsTakenOverAndAFileIsNot() throws {
        let folder = try Shell.run("mktemp -d /tmp/galaxy-s3-metrics-XXXXXX").split(separator: "\n")
        let path = "\(folder[0])/x.sock"
        defer { _ = try? Shell.run("rm -rf \(folder[0])") }
        let address = try MetricsAddress("unix:\(path)")
        // Never stopped: as if it had been killed.
        _ = try MetricsListener(address) { "old\n" }
        let listener = try MetricsListener(address) { "new\n" }
        let curl = "curl -sS --max-time 20 --unix-socket \(path) http://x/metrics"
        #expect(try Shell.run(curl) == "new\n")
        listener.stop()
        #expect(access(path, F_OK) != 0)
        try Shell.run("echo mine > \(path)")
        #expect(throws: HeadError.self) { try MetricsListener(address) { "" } }
        #expect(Shell.text(path) == "mine\n")
    }
}
