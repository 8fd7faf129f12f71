// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import FoundationEssentials
import Names

/// Reads a line of the plugin's. Whatever is wrong with it is said with the request's number, if it
/// can be found.
enum RequestCoding {
    /// The longest line in either direction, in bytes, without its end.
    static let longestLine = 1 << 20

    /// A line that is no request, and whose it was.
    struct Misunderstanding: Error, Equatable {
        var id: Int64?
        var refusal: Refusal
    }

    static func decode(_ line: [UInt8]) throws(Misunderstanding) -> ServeRequest {
        let data = Data(line)
        let envelope: Envelope
        do {
            envelope = try JSONDecoder().decode(Envelope.self, from: data)
        } catch {
            let why = "The line is no request: \(JSONProblem.text(for: error))."
            throw Misunderstanding(refusal: .malformed(why))
        }
        guard let id = envelope.id else {
            let why = "The request has no id, which is a whole number."
            throw Misunderstanding(refusal: .malformed(why))
        }
        do {
            return ServeRequest(id: id, call: try call(envelope, data))
        } catch let refusal as Refusal {
            throw Misunderstanding(id: id, refusal: refusal)
        } catch {
            let why = "The request cannot be read: \(JSONProblem.text(for: error))."
            throw Misunderstanding(id: id, refusal: .malformed(why))
        }
    }

    private static func call(
        _ envelope: Envelope,
        _ data: Data
    ) throws -> ServeRequest.Call {
        if let name = envelope.unknown { throw Refusal.unknownField(name) }
        func parameters<Parameters: Decodable>(_ type: Parameters.Type) throws -> Parameters {
            try JSONDecoder().decode(Request<Parameters>.self, from: data).params
        }
        guard let name = envelope.method else {
            throw Refusal.malformed("The request has no method, which is a string.")
        }
        guard let method = Method(rawValue: name) else { throw Refusal.unknownMethod(name) }
        switch method {
        case .hello: return .hello(try parameters(HelloParameters.self).value)
        case .submit: return .submit(try parameters(SubmitParameters.self).value)
        case .cancel: return .cancel(try parameters(JobParameters.self).job)
        case .finished: return .finished(try parameters(FinishedParameters.self).value)
        case .forget: return .forget(try parameters(JobParameters.self).job)
        case .collect: return .collect(try parameters(JobParameters.self).job)
        case .status:
            return .status(envelope.hasParameters ? try parameters(StatusParameters.self).job : nil)
        case .shutdown:
            if envelope.hasParameters { _ = try parameters(NoParameters.self) }
            return .shutdown
        }
    }

    private enum Method: String {
        case hello
        case submit
        case cancel
        case finished
        case forget
        case collect
        case status
        case shutdown
    }

    /// What every request has. It is read leniently, so that a refusal can name the request.
    private struct Envelope: Decodable {
        var id: Int64?
        var method: String?
        var hasParameters = false
        /// The first field that no request has.
        var unknown: String?

        private enum Key: String, CodingKey, CaseIterable {
            case id
            case method
            case params
        }

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: Key.self)
            id = try? fields.decode(Int64.self, forKey: .id)
            method = try? fields.decode(String.self, forKey: .method)
            hasParameters = fields.contains(.params)
            unknown = try decoder.unknownField(beside: Key.self)
        }
    }

    private struct Request<Parameters: Decodable>: Decodable {
        var params: Parameters
    }

    private struct NoParameters: Decodable {
        private enum Key: CodingKey, CaseIterable {}

        init(from decoder: any Decoder) throws { try decoder.refuseFields(beside: Key.self) }
    }

    private struct JobParameters: Decodable {
        var job: FilePath

        private enum CodingKeys: CodingKey, CaseIterable { case job }

        init(from decoder: any Decoder) throws {
            try decoder.refuseFields(beside: CodingKeys.self)
            job = try decoder.container(keyedBy: CodingKeys.self).decode(forKey: .job)
        }
    }

    private struct FinishedParameters: Decodable {
        var value: FinishedJob

        private enum CodingKeys: CodingKey, CaseIterable {
            case job
            case run
            case outputs
        }

        init(from decoder: any Decoder) throws {
            try decoder.refuseFields(beside: CodingKeys.self)
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            value = FinishedJob(
                job: try fields.decode(forKey: .job),
                run: try fields.decode(forKey: .run),
                outputs: try fields.decode(forKey: .outputs)
            )
        }
    }

    private struct StatusParameters: Decodable {
        var job: FilePath?

        private enum CodingKeys: CodingKey, CaseIterable { case job }

        init(from decoder: any Decoder) throws {
            try decoder.refuseFields(beside: CodingKeys.self)
            job = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(forKey: .job)
        }
    }

    private struct HelloParameters: Decodable {
        var value: Hello

        private enum CodingKeys: String, CodingKey, CaseIterable {
            case number = "protocol"
            case serverName = "server_name"
            case plugin
        }

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            value = Hello(
                number: try fields.decode(forKey: .number),
                serverName: try fields.decode(forKey: .serverName),
                plugin: try fields.decode(forKey: .plugin)
            )
            // Another protocol may have other fields; its number is what is wrong then.
            guard value.number == Hello.currentProtocol else { return }
            try decoder.refuseFields(beside: CodingKeys.self)
        }
    }

    private struct SubmitParameters: Decodable {
        var value: Submission

        private enum CodingKeys: CodingKey, CaseIterable {
            case job
            case run
            case destination
        }

        init(from decoder: any Decoder) throws {
            try decoder.refuseFields(beside: CodingKeys.self)
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            let destination: DestinationParameters? = try fields.decodeIfPresent(
                forKey: .destination
            )
            value = Submission(
                job: try fields.decode(forKey: .job),
                run: try fields.decodeIfPresent(forKey: .run),
                destination: destination?.value
            )
        }
    }

    private struct DestinationParameters: Decodable {
        var value: Destination

        private enum CodingKeys: CodingKey, CaseIterable {
            case name
            case params
        }

        init(from decoder: any Decoder) throws {
            try decoder.refuseFields(beside: CodingKeys.self)
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            value = Destination(
                name: try fields.decode(forKey: .name),
                parameters: try fields.decodeIfPresent(forKey: .params) ?? [:]
            )
        }
    }
}

extension KeyedDecodingContainer {
    fileprivate func decode<Value: Decodable>(forKey key: Key) throws -> Value {
        try decode(Value.self, forKey: key)
    }

    fileprivate func decodeIfPresent<Value: Decodable>(forKey key: Key) throws -> Value? {
        try decodeIfPresent(Value.self, forKey: key)
    }
}

extension Decoder {
    /// The first field, in the order of names, that is none of `keys`.
    fileprivate func unknownField<Keys: CodingKey & CaseIterable>(
        beside keys: Keys.Type
    ) throws -> String? {
        let known = Keys.allCases.map(\.stringValue)
        return try container(keyedBy: FieldName.self).allKeys.map(\.stringValue).sorted()
            .first { !known.contains($0) }
    }

    fileprivate func refuseFields<Keys: CodingKey & CaseIterable>(
        beside keys: Keys.Type
    ) throws {
        guard let name = try unknownField(beside: keys) else { return }
        let place = codingPath.map(\.stringValue) + [name]
        throw Refusal.unknownField(place.joined(separator: "."))
    }
}

private struct FieldName: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init?(stringValue: String) { self.stringValue = stringValue }

    init?(intValue: Int) { nil }
}
