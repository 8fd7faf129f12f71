// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Glibc
import S3Client
import Transport

/// Makes a store from what a configuration, or the worker's command line, says of it.
package enum StoreFactory {
    /// Where systems keep the certificates they trust; the first that is there is used when none
    /// are given, because the static worker has no place built in.
    private static let systemCertificates = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ]

    /// - Parameters:
    ///   - credentials: nil looks in the usual places.
    ///   - environment: where those places are said.
    package static func store(
        at location: StorageLocation,
        credentials: (any CredentialsProvider)? = nil,
        environment: [String: String] = ProcessEnvironment.current(),
        policy: RetryPolicy = .standard,
        observe: @escaping StoreObserver = { _ in }
    ) throws(S3Error) -> S3Store {
        let endpoint = try S3Endpoint(
            url: location.endpoint,
            bucket: location.bucket,
            region: location.region,
            addressing: try choice(location.addressing, named: "addressing"),
            allowHTTP: location.allowHTTP
        )
        let options = try StorageOptions(
            endpoint: endpoint,
            region: location.region,
            checksums: try choice(location.checksums, named: "checksums"),
            encryption: try location.encryption.map { (text) throws(S3Error) in
                try choice(text, named: "encryption")
            }
        )
        var settings = CurlTransport.Options()
        settings.trust = trust(location, environment)
        let transport: CurlTransport
        do throws(TransportError) {
            transport = try CurlTransport(settings)
        } catch {
            throw S3Error(.configuration, what: "Cannot set HTTP up", cause: error)
        }
        return S3Store(
            options: options,
            credentials: credentials
                ?? CredentialsChain.standard(
                    environment: environment,
                    region: location.region,
                    transport: transport
                ),
            transport: transport,
            policy: policy,
            observe: observe
        )
    }

    private static func trust(
        _ location: StorageLocation,
        _ environment: [String: String]
    ) -> CurlTransport.Options.Trust {
        if let pem = location.caPEM { return .pem(Array(pem.utf8)) }
        if let file = environment["AWS_CA_BUNDLE"], !file.isEmpty { return .file(file) }
        let found = systemCertificates.first { access($0, R_OK) == 0 }
        return found.map { .file($0) } ?? .system
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
