// SPDX-License-Identifier: Apache-2.0

import Contract
import FoundationEssentials
import Names
import Staging
import Testing

@testable import HeadNode

@Suite struct SettingsResolverTests {
    private func resolve(
        _ text: String = "",
        _ environment: [String: String] = [:],
        _ flags: String...
    ) throws -> Settings {
        var resolver = SettingsResolver(
            file: ConfigFile(Array(text.utf8), named: "galaxy.yml"),
            environment: ["HOME": "/home/galaxy"].merging(environment) { $1 },
            flags: flags
        )
        return try resolver.settings()
    }

    private func lines(
        _ text: String = "",
        _ environment: [String: String] = [:],
        _ flags: String...
    ) -> [String] {
        var resolver = SettingsResolver(
            file: ConfigFile(Array(text.utf8), named: "galaxy.yml"),
            environment: ["HOME": "/home/galaxy"].merging(environment) { $1 },
            flags: flags
        )
        do {
            _ = try resolver.settings()
            return []
        } catch {
            return error.lines
        }
    }

    // MARK: What wins

    @Test func laterWins() throws {
        let file = "s3_executor:\n  retries: 3\n  s3: {bucket: from-file, region: r-file}\n"
        let environment = [
            "GALAXY_S3_EXECUTOR_S3_BUCKET": "from-environment", "AWS_REGION": "r-shared",
            "GALAXY_S3_EXECUTOR_RETRIES": "",
        ]
        #expect(try resolve(file).storage.bucket == "from-file")
        #expect(try resolve(file, environment).storage.bucket == "from-environment")
        #expect(
            try resolve(file, environment, "s3.bucket=a-flag", "s3.bucket=last-flag").storage.bucket
                == "last-flag"
        )
        #expect(try resolve(file, environment).storage.region == "r-file")
        #expect(try resolve(file, environment).retries == 3)
        #expect(try resolve("", environment).storage.region == "r-shared")
    }

    @Test func environmentAndFlagsAloneAreEnough() throws {
        let settings = try resolve("", [:], "s3.bucket=data")
        #expect(settings.instance.description == "galaxy")
        #expect(settings.storage == StorageLocation(bucket: "data"))
        #expect(settings.prefix.description == "galaxy")
        #expect(settings.staging.packBelow == 256 << 10)
        #expect(settings.staging.limits == Limits())
        #expect(
            try settings.local.stateDirectory
                == FilePath("/home/galaxy/.local/state/galaxy-s3-executor")
        )
    }

    @Test func whatAWSProgramsReadStandsIn() throws {
        let names = [
            "AWS_ENDPOINT_URL": "https://two", "AWS_ENDPOINT_URL_S3": "https://one",
            "AWS_DEFAULT_REGION": "b", "AWS_REGION": "a", "AWS_PROFILE": "p",
        ]
        let settings = try resolve("", names, "s3.bucket=data")
        #expect(settings.storage.endpoint == "https://one")
        #expect(settings.storage.region == "a")
        #expect(settings.profile == "p")
        let ignoring = names.merging(["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"]) { $1 }
        #expect(try resolve("", ignoring, "s3.bucket=data").storage.endpoint == nil)
        let empty = names.merging(["AWS_ENDPOINT_URL_S3": "", "AWS_REGION": ""]) { $1 }
        #expect(try resolve("", empty, "s3.bucket=data").storage.endpoint == "https://two")
        #expect(try resolve("", empty, "s3.bucket=data").storage.region == "b")
    }

    @Test func everyKeyArrivesWhereItBelongs() throws {
        let settings = try resolve(
            """
            s3_executor:
              instance: main
              retries: 0
              disruptions: 9
              disruption_delay: 2m
              s3: {bucket: data, endpoint: "http://10.0.0.1:9000", region: eu, prefix: /a/b/,
                addressing: path, checksums: when_required, encryption: aws:kms,
                kms_key_id: "arn:aws:kms:eu:1:key/k", storage_class: STANDARD_IA,
                requester_pays: true, allow_http: true, profile: galaxy}
              staging: {pack_below: 1Mi, transfers: 3}
              push: {on_failure: logs, deadline: 1h30m}
              limits: {walltime: 2d, grace: 1m}
              local: {root: /srv/image//x/, network: none, state_directory: /srv/state,
                worker: /opt/worker}
            """
        )
        #expect(settings.instance.description == "main")
        #expect(settings.retries == 0)
        #expect(settings.disruptions == 9)
        #expect(settings.disruptionDelay == 120)
        let location = StorageLocation(
            bucket: "data",
            endpoint: "http://10.0.0.1:9000",
            region: "eu",
            addressing: "path",
            checksums: "when_required",
            encryption: "aws:kms",
            kmsKeyID: "arn:aws:kms:eu:1:key/k",
            storageClass: "STANDARD_IA",
            requesterPays: true,
            allowHTTP: true
        )
        #expect(settings.storage == location)
        #expect(settings.prefix.description == "a/b")
        #expect(settings.profile == "galaxy")
        #expect(settings.staging.packBelow == 1 << 20)
        #expect(settings.staging.onFailure == .logs)
        #expect(
            settings.staging.limits
                == Limits(
                    walltimeSeconds: 172_800,
                    pushSeconds: 5400,
                    graceSeconds: 60,
                    transfers: 3
                )
        )
        #expect(settings.local.root == .directory(try FilePath("/srv/image/x")))
        #expect(settings.local.network == .none)
        #expect(settings.local.worker == (try FilePath("/opt/worker")))
    }

    @Test func aSlashIsTheWholeBucket() throws {
        #expect(
            try resolve("", [:], "s3.bucket=data", "s3.prefix=/").prefix.description == ""
        )
    }

    // MARK: What is wrong

    @Test func allIsReportedAtOnceAndInOrder() {
        let text = """
            galaxy: {}
            s3_executor:
              instance: Main
              retires: 3
              s3:
                endpoint: localhost:9000
                bucket: s3://data/x
                region: "us-east-1 "
                allow_http: yes
                checksums: when_supportd
                prefix: a//b
              staging: {pack_below: 10KB, transfers: 08}
              limits:
                walltime: 90
                grace: 2h
              local:
                state_directory: state
            """
        let expected = [
            "galaxy.yml:3:13: instance: \"Main\" is not allowed; write 1 to 32 lower-case letters, "
                + "digits and hyphens, no hyphen at either end",
            "galaxy.yml:4:3: unknown key retires; did you mean retries?; write retries, or delete "
                + "the line",
            "galaxy.yml:9:17: s3.allow_http: \"yes\" is not allowed; write true or false",
            "galaxy.yml:10:16: s3.checksums: \"when_supportd\" is not allowed; did you mean "
                + "when_supported?; write one of when_supported, when_required",
            "galaxy.yml:11:13: s3.prefix: \"a//b\" is not allowed; write segments of letters, "
                + "digits and . _ - joined by single slashes; / for none",
            "galaxy.yml:12:25: staging.pack_below: \"10KB\" is not a size: a thousand bytes are "
                + "1k, 1024 are 1Ki; write a size from 0 to 64Mi, such as 256Ki",
            "galaxy.yml:12:42: staging.transfers: \"08\" is not allowed; write a whole number from "
                + "1 to 256",
            "galaxy.yml:14:15: limits.walltime: \"90\" is not allowed; write none, or a time from "
                + "1s to 365d, such as 90s or 1h",
            "galaxy.yml:15:12: limits.grace: \"2h\" is not allowed; write a time from 0s to 1h, "
                + "such as 90s or 1h",
            "galaxy.yml:17:22: local.state_directory: \"state\" cannot be used: it is not absolute; "
                + "write an absolute path without `..` and `~`",
            "environment GALAXY_S3_EXECUTOR_RETRY: unknown variable; did you mean "
                + "GALAXY_S3_EXECUTOR_RETRIES?; unset it; docs/configuration.md lists all names",
            "--set s3.bukket: unknown key s3.bukket; did you mean s3.bucket?; write s3.bucket, or "
                + "delete the line",
            "--set s3.region: there is no value; write --set KEY=VALUE, such as --set "
                + "s3.bucket=galaxy-data",
        ]
        #expect(
            lines(
                text,
                ["GALAXY_S3_EXECUTOR_RETRY": "3"],
                "s3.bukket=x",
                "s3.region"
            ) == expected
        )
    }

    @Test(arguments: [
        (
            ["s3.bucket=s3://data/x"],
            "--set s3.bucket: s3.bucket: cannot use the bucket s3://data/x"
        ),
        (
            ["s3.bucket=data", "s3.endpoint=localhost:9000"],
            "--set s3.endpoint: s3.endpoint: cannot"
        ),
        (["s3.bucket=data", "s3.endpoint=http://far"], "--set s3.endpoint: s3.endpoint: cannot"),
        (["s3.bucket=data", "s3.endpoint=https://h/p"], "--set s3.endpoint: s3.endpoint: cannot"),
        (["s3.bucket=data", "s3.region=us-east-1 "], "--set s3.region: s3.region: cannot use"),
        (
            ["s3.bucket=Data", "s3.addressing=virtual"],
            "--set s3.addressing: s3.addressing: cannot"
        ),
    ])
    func theClientsOwnRulesNameTheKey(_ flags: [String], _ start: String) throws {
        var resolver = SettingsResolver(file: nil, environment: ["HOME": "/h"], flags: flags)
        let error = try #require(throws: ConfigError.self) { try resolver.settings() }
        #expect(error.lines.count == 1)
        #expect(error.lines[0].hasPrefix(start), "\(error.lines[0])")
    }

    @Test func withoutABucketThreeWaysAreNamed() {
        #expect(
            lines() == [
                "s3.bucket: no bucket is set; set it in the file, as GALAXY_S3_EXECUTOR_S3_BUCKET, "
                    + "or with --set s3.bucket=NAME"
            ]
        )
    }

    @Test func aBucketThatIsRefusedIsNotMissingToo() {
        #expect(lines("s3_executor:\n  s3:\n    bucket: no\n").count == 1)
    }

    @Test func whatLosesIsCheckedToo() {
        let text = "s3_executor:\n  retries: many\n  s3: {bucket: data}\n"
        #expect(
            lines(text, [:], "retries=2") == [
                "galaxy.yml:2:12: retries: \"many\" is not allowed; write a whole number from 0 to 20"
            ]
        )
    }

    @Test func withoutAHomeTheStateNeedsAPlace() {
        var resolver = SettingsResolver(file: nil, environment: [:], flags: ["s3.bucket=data"])
        let error = #expect(throws: ConfigError.self) { try resolver.settings() }
        #expect(error?.lines.first?.contains("set local.state_directory") == true)
        var storage = SettingsResolver(file: nil, environment: [:], flags: ["s3.bucket=data"])
        #expect(throws: Never.self) { try storage.storageSettings() }
    }

    // MARK: How objects are kept

    @Test(arguments: [
        (
            ["s3.kms_key_id=k"],
            "s3.kms_key_id: cannot use a KMS key with the encryption none; set the encryption to "
                + "aws:kms, or leave the key out"
        ),
        (
            ["s3.kms_key_id=k", "s3.encryption=AES256"],
            "s3.kms_key_id: cannot use a KMS key with the encryption AES256; set the encryption to "
                + "aws:kms, or leave the key out"
        ),
        (
            ["s3.kms_key_id=a key", "s3.encryption=aws:kms"],
            "s3.kms_key_id: cannot use the KMS key \"a key\": it is no key's name; write its ID, its "
                + "ARN or alias/NAME"
        ),
        (
            ["s3.encryption=aws:kmS"],
            "s3.encryption: \"aws:kmS\" is not allowed; did you mean aws:kms?"
        ),
        (
            ["s3.storage_class=GLACIER"],
            "s3.storage_class: \"GLACIER\" is not allowed; write one of none, STANDARD, "
        ),
    ])
    func whatDoesNotFitTogether(_ flags: [String], _ wanted: String) {
        var resolver = SettingsResolver(
            file: nil,
            environment: ["HOME": "/home/galaxy"],
            flags: ["s3.bucket=data"] + flags
        )
        let error = #expect(throws: ConfigError.self) { try resolver.settings() }
        let lines = error?.lines ?? []
        #expect(lines.count == 1)
        #expect(lines.first?.contains(wanted) == true, "\(lines)")
    }

    @Test func aKMSKeyIsOptional() throws {
        let settings = try resolve("", [:], "s3.bucket=data", "s3.encryption=aws:kms")
        #expect(settings.storage.encryption == "aws:kms")
        #expect(settings.storage.kmsKeyID == nil)
    }

    // MARK: Certificates

    @Test func certificatesAreReadAtStart() throws {
        let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        try withFile(pem) { path in
            let settings = try resolve("", [:], "s3.bucket=data", "s3.ca_file=\(path)")
            #expect(settings.storage.caPEM == pem)
            #expect(
                try resolve("", ["AWS_CA_BUNDLE": path], "s3.bucket=data").storage.caPEM == pem
            )
        }
    }

    @Test(arguments: [
        ("hello", "holds no PEM certificate; name a file of PEM certificates"),
        (
            "-----BEGIN CERTIFICATE-----\n-----BEGIN RSA PRIVATE KEY-----\n",
            "holds a private key; keep only the certificates"
        ),
        (
            String(repeating: "x", count: 65 << 10),
            "has more than 64Ki; keep only the certificates that the store's own is signed with"
        ),
    ])
    func otherFilesAreRefusedByName(_ content: String, _ why: String) throws {
        try withFile(content) { path in
            #expect(
                lines("", [:], "s3.bucket=data", "s3.ca_file=\(path)") == [
                    "--set s3.ca_file: s3.ca_file: \(path) \(why)"
                ]
            )
        }
    }

    @Test func aFileThatIsNotThereIsNamed() {
        #expect(
            lines("", [:], "s3.bucket=data", "s3.ca_file=/nowhere/ca.pem") == [
                "--set s3.ca_file: s3.ca_file: /nowhere/ca.pem cannot be read: No such file or "
                    + "directory; make it readable for this user"
            ]
        )
    }

    private func withFile(_ content: String, _ body: (String) throws -> Void) throws {
        let url = FileManager.default.temporaryDirectory
            .appending(path: "head-config-\(UInt64.random(in: 0 ... .max))")
        try Data(content.utf8).write(to: url)
        defer { try? FileManager.default.removeItem(at: url) }
        try body(url.path)
    }
}

@Suite struct SettingsListingTests {
    @Test func everyKeyHasALineWithItsOrigin() throws {
        var resolver = SettingsResolver(
            file: ConfigFile(Array("s3_executor:\n  retries: 3\n".utf8), named: "galaxy.yml"),
            environment: ["HOME": "/h", "AWS_REGION": "eu"],
            flags: ["s3.bucket=data"]
        )
        let settings = try resolver.settings()
        let lines = SettingsListing(settings, resolver.winners).lines
        #expect(lines.count == ConfigSchema.keys.count)
        let words = lines.map { $0.split(separator: " ").map(String.init) }
        #expect(words.contains(["retries", "3", "galaxy.yml:2:12"]))
        #expect(words.contains(["s3.region", "eu", "environment", "AWS_REGION"]))
        #expect(words.contains(["s3.bucket", "data", "--set", "s3.bucket"]))
        #expect(words.contains(["disruptions", "5", "default"]))
    }
}
