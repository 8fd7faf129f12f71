// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What this process takes, from /proc (proc(5)), under the names that Prometheus has for any process.
struct ProcessFigures: Sendable, Equatable {
    var cpuSeconds: Double
    var residentBytes: Int64
    var openFiles: Int
    var mostOpenFiles: Int64
    var threads: Int

    /// nil when /proc does not tell.
    static func read() -> ProcessFigures? {
        guard let stat = try? SmallFile.read(bytes: Array("/proc/self/stat".utf8), limit: 4096)
        else { return nil }
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        guard
            var figures = ProcessFigures(
                stat: stat,
                ticks: ticks,
                pageSize: Int64(sysconf(Int32(_SC_PAGESIZE)))
            )
        else { return nil }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            figures.mostOpenFiles = Int64(clamping: limit.rlim_cur)
        }
        figures.openFiles = countFiles()
        return figures
    }

    /// Reads the line of /proc/PID/stat; the program's name, in parentheses, may hold anything.
    init?(stat: [UInt8], ticks: Double, pageSize: Int64) {
        guard let name = stat.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = stat[(name + 1)...]
            .split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
            .map { Int64(String(decoding: $0, as: UTF8.self)) }
        // The first of them is field 3, the state, which is no number.
        guard fields.count > 21, let user = fields[11], let system = fields[12],
            let threads = fields[17], let pages = fields[21]
        else { return nil }
        cpuSeconds = Double(user + system) / ticks
        residentBytes = pages * pageSize
        self.threads = Int(threads)
        openFiles = 0
        mostOpenFiles = 0
    }

    private static func countFiles() -> Int {
        guard let folder = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // The two dots, and the descriptor that reads.
        return max(0, count - 3)
    }

    func write(to text: inout MetricsText) {
        func one(_ value: Double) -> [MetricsText.Sample] { [.init(labels: [], value: value)] }
        text.add(
            "process_cpu_seconds_total",
            .counter,
            "User and system time spent, in seconds.",
            one(cpuSeconds)
        )
        text.add(
            "process_resident_memory_bytes",
            .gauge,
            "Resident memory, in bytes.",
            residentBytes
        )
        text.add("process_open_fds", .gauge, "Open file descriptors.", openFiles)
        text.add("process_max_fds", .gauge, "Most open file descriptors.", mostOpenFiles)
        text.add("process_threads", .gauge, "Threads.", threads)
    }
}
