// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import FoundationEssentials
import Glibc
import S3Client
import Transport

/// Makes a store from what a configuration, or the worker's command line, says of it.
package struct StoreFactory: Sendable {
    /// Where systems keep the certificates they trust; the first that is there is used when none
    /// are given, because the static worker has no place built in.
    private static let systemCertificates = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ]

    /// Threads that move bytes, where there are as many processors.
    private static let mostThreads = 4

    /// Where requests' signatures come from: environment, web identity, shared files, container,
    /// machine.
    package let credentials: any CredentialsProvider
    private let options: StorageOptions
    private let transport: CurlTransport

    /// - Parameters:
    ///   - profile: of the shared files; nil for what the environment says.
    ///   - environment: this process's own, but for tests.
    package init(
        _ location: StorageLocation,
        profile: String? = nil,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(S3Error) {
        let endpoint = try S3Endpoint(
            url: location.endpoint,
            bucket: location.bucket,
            region: location.region,
            addressing: try Self.choice(location.addressing, named: "addressing"),
            allowHTTP: location.allowHTTP
        )
        options = try StorageOptions(
            endpoint: endpoint,
            region: location.region,
            checksums: try Self.choice(location.checksums, named: "checksums"),
            encryption: try Self.encryption(location),
            storageClass: try Self.storageClass(location.storageClass),
            requesterPays: location.requesterPays ?? false
        )
        var settings = CurlTransport.Options()
        settings.trust = Self.trust(location, environment)
        settings.threads = min(ProcessInfo.processInfo.activeProcessorCount, Self.mostThreads)
        do throws(TransportError) {
            transport = try CurlTransport(settings)
        } catch {
            throw .withoutHTTP(error)
        }
        var names = environment
        if let profile { names["AWS_PROFILE"] = profile }
        // Certificates of the store's own say nothing about those of a metadata service.
        let direct = MetadataService.transportOptions(trust: Self.systemTrust(environment))
        credentials = CredentialsChain.standard(
            environment: names,
            region: location.region,
            transport: transport,
            metadata: { () throws(TransportError) in try CurlTransport(direct) }
        )
    }

    /// A store that shares connections with every other of this factory.
    package func store(
        policy: RetryPolicy = .standard,
        observe: @escaping StoreObserver = { _ in }
    ) -> S3Store {
        S3Store(
            options: options,
            credentials: credentials,
            transport: transport,
            policy: policy,
            observe: observe
        )
    }

    private static func trust(
        _ location: StorageLocation,
        _ environment: [String: String]
    ) -> CurlTransport.Options.Trust {
        location.caPEM.map { .pem(Array($0.utf8)) } ?? systemTrust(environment)
    }

    private static func systemTrust(
        _ environment: [String: String]
    ) -> CurlTransport.Options.Trust {
        if let file = environment["AWS_CA_BUNDLE"], !file.isEmpty { return .file(file) }
        let found = systemCertificates.first { access($0, R_OK) == 0 }
        return found.map { .file($0) } ?? .system
    }

    private static func encryption(
        _ location: StorageLocation
    ) throws(S3Error) -> StorageOptions.Encryption? {
        guard let name = location.encryption else { return nil }
        return try StorageOptions.Encryption(named: name, kmsKeyID: location.kmsKeyID)
    }

    private static func storageClass(
        _ text: String?
    ) throws(S3Error) -> StorageOptions.StorageClass? {
        guard let text else { return nil }
        return try choice(text, named: "storage_class")
    }

    private static func choice<Value: RawRepresentable<String>>(
        _ text: String,
        named name: String
    ) throws(S3Error) -> Value {
        guard let value = Value(rawValue: text) else {
            throw S3Error(.configuration, what: "\(name) cannot be \"\(text.logSafe)\"")
        }
        return value
    }
}
