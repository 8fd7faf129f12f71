// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Testing

@testable import HeadNode

@Suite struct ConfigFileTests {
    private func file(_ text: String) -> ConfigFile {
        ConfigFile(Array(text.utf8), named: "galaxy.yml")
    }

    private func lines(_ text: String) -> [String] { file(text).problems.map(\.line) }

    // MARK: What is read

    @Test func valuesKnowWhereTheyStand() {
        let read = file("galaxy:\n  x: 1\n\ns3_executor:\n  s3:\n    bucket: data\n")
        #expect(
            read.entries == [
                ConfigEntry(
                    path: "s3.bucket",
                    text: "data",
                    origin: .file("galaxy.yml", line: 6, column: 13)
                )
            ]
        )
        #expect(read.problems == [])
    }

    @Test(arguments: [
        "s3_executor:\r\n  s3:\r\n    bucket: data\r\n",
        "\u{FEFF}s3_executor:\n  s3: {bucket: data}\n",
        "\"s3_executor\":\n  s3:\n    bucket: data",
        "s3_executor: {s3: {\n  bucket: data\n}}\ngalaxy:\n  a: 1\n",
        "---\n# comment\ns3_executor :\n\n# another\n  s3:\n    bucket: data # why\n...\n",
    ])
    func theSameIsWrittenInManyWays(_ text: String) {
        #expect(file(text).entries.map(\.text) == ["data"])
        #expect(lines(text) == [])
    }

    /// Galaxy's own part may be anything that Galaxy takes, and more.
    @Test func theRestOfTheFileIsNotRead() {
        let text = """
            galaxy:
              a: &x [1, 2]
              a: !ENV ${HOME}
              broken: [
            s3_executor:
              retries: 3
            gravity: *x
            """
        #expect(file(text).entries.map(\.text) == ["3"])
        #expect(lines(text) == [])
    }

    @Test func aFileWithoutTheBlockSaysSo() {
        #expect(!file("galaxy:\n  a: 1\n").hasBlock)
        #expect(lines("galaxy:\n  a: 1\n") == [])
        #expect(lines("") == [])
    }

    // MARK: What is refused, word by word

    @Test(arguments: [
        (
            "galaxy:\n  s3_executor:\n    retries: 1\n",
            "galaxy.yml:2:3: s3_executor is indented, so it belongs to another block; move it to "
                + "the first column, and what is below it as far left"
        ),
        (
            "s3_executer:\n  retries: 1\n",
            "galaxy.yml:1:1: unknown block s3_executer; did you mean s3_executor?; correct the name"
        ),
        (
            "{s3_executor: {retries: 1}}\n",
            "galaxy.yml:1:1: s3_executor is inside braces; write it as a block of its own, in the "
                + "first column"
        ),
        (
            "s3_executor:\n  retries: 1\ngalaxy:\ns3_executor:\n  retries: 2\n",
            "galaxy.yml:4:1: a second block s3_executor, the first is in line 1; make them one block"
        ),
        (
            "s3_executor:\n\tretries: 1\n",
            "galaxy.yml:2:1: a tab indents the line; YAML takes spaces only; replace it by spaces"
        ),
        (
            "s3_executor:\n  retries: 1\n  retries: 2\n",
            "galaxy.yml:2:3: retries is written twice; delete one of them"
        ),
        (
            "s3_executor:\n  instance: a\u{1}b\n",
            "galaxy.yml:2:14: a control character, byte 1; delete it"
        ),
        (
            "s3_executor:\n  instance: [a\n",
            "galaxy.yml:3:1: this is not YAML: did not find expected ',' or ']'; correct the YAML "
                + "here or just above"
        ),
        (
            "s3_executor:\n  instance: &a x\n",
            "galaxy.yml:2:13: anchors and aliases are not used here; write the value out"
        ),
        (
            "x: &a y\ns3_executor:\n  instance: *a\n",
            "galaxy.yml:3:13: found undefined alias; write the value out; aliases are not used here"
        ),
        (
            "s3_executor:\n  <<: {retries: 1}\n",
            "galaxy.yml:2:3: unknown key <<; delete it; docs/configuration.md lists all keys"
        ),
        (
            "s3_executor:\n  ? [a, b]\n  : 1\n",
            "galaxy.yml:2:5: a key is a name; write a name and a colon"
        ),
        (
            "s3_executor:\n",
            "galaxy.yml:1:13: s3_executor must hold keys and values; write a key below it, such as "
                + "instance"
        ),
        (
            "s3_executor:\n  s3: data\n",
            "galaxy.yml:2:7: s3 must hold keys and values; write a key below it, such as bucket"
        ),
        (
            "s3_executor:\n  s3:\n    bucket: [a]\n",
            "galaxy.yml:3:13: s3.bucket takes one value; write the name of a bucket, without s3:// "
                + "and prefix"
        ),
        (
            "s3_executor:\n  s3:\n    bucket: no\n",
            "galaxy.yml:3:13: no without quotes is true or false to YAML; write \"no\", with "
                + "quotes, if it is meant"
        ),
        (
            "s3_executor:\n  s3:\n    bucket: 0123\n",
            "galaxy.yml:3:13: 0123 without quotes is a number or a date to YAML; write \"0123\", "
                + "with quotes, if it is meant"
        ),
        (
            "s3_executor:\n  s3:\n    bucket: ~\n",
            "galaxy.yml:3:13: s3.bucket has no value; write the name of a bucket, without s3:// and "
                + "prefix, or delete the line"
        ),
        (
            "s3_executor:\n  s3:\n    bucket: !env data\n",
            "galaxy.yml:3:13: s3.bucket has the tag !env; write the value without a tag"
        ),
        (
            "s3_executor:\n  retries: \"3\"\n",
            "galaxy.yml:2:12: retries is a text here; write a whole number from 0 to 20, without "
                + "quotes"
        ),
        (
            "s3_executor:\n  staging:\n    pack_below: 010\n",
            "galaxy.yml:3:17: 010 with a leading zero is octal to YAML; write it without the zero"
        ),
    ])
    func aMistakeHasAPlaceAndARemedy(_ text: String, _ line: String) {
        #expect(lines(text) == [line])
    }

    @Test func aBombIsNotUnfolded() {
        var text = "s3_executor:\n  a0: &a0 [x, x]\n"
        for level in 1...40 {
            text += "  ? a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n  : 1\n"
        }
        #expect(
            lines(text) == [
                "galaxy.yml:19:1: more than 16 asterisks; aliases are not used here; write the "
                    + "values out"
            ]
        )
    }

    @Test func bytesThatAreNotTextAreNamedByLine() {
        let bytes = Array("s3_executor:\n  instance: ".utf8) + [0xFF, 0x0A]
        let read = ConfigFile(bytes, named: "galaxy.yml")
        #expect(
            read.problems.map(\.line) == [
                "galaxy.yml:2:1: the line is not UTF-8; save the file in UTF-8"
            ]
        )
    }

    /// A name that looks like a key but is spelled with other scalars is another name.
    @Test func keysAreComparedByTheirBytes() {
        let text = "s3_executor:\n  retrie\u{73}\u{301}: 1\n"
        #expect(file(text).entries == [])
        #expect(file(text).problems.count == 1)
    }

    @Test func aSecretIsNeverRepeated() {
        let text =
            "s3_executor:\n  s3:\n    secret_key: hunter2\n    endpoint: https://me:hunter2@x\n"
        var resolver = SettingsResolver(file: file(text), environment: ["HOME": "/h"])
        let error = #expect(throws: ConfigError.self) { try resolver.settings() }
        let all = (error?.lines ?? []).joined(separator: "\n") + (error?.line ?? "")
        #expect(all.contains("secrets do not belong into this file"))
        #expect(!all.contains("hunter2"))
    }
}
