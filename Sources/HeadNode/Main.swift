// SPDX-License-Identifier: Apache-2.0

@main
enum HeadNodeMain {
    static func main() {}
}
