// SPDX-License-Identifier: Apache-2.0

@main
enum WorkerExecMain {
    static func main() {}
}
