// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import FoundationEssentials
import Staging

/// Refuses fields that a job description does not have: a misspelt one would lose files silently.
enum DescriptionFields {
    /// - Throws: `.malformed`, naming the field and the nearest known one; nothing for bytes that are
    ///   no such document at all, which whoever decodes them says better.
    static func check(_ bytes: [UInt8]) throws(ContractError) {
        do {
            _ = try JSONDecoder().decode(Document.self, from: Data(bytes))
        } catch let unknown as UnknownField {
            throw unknown.error
        } catch {
            return
        }
    }

    private struct Document: Decodable {
        init(from decoder: any Decoder) throws {
            typealias Keys = JobDescription.CodingKeys
            try checkNames(decoder, Keys.self)
            let fields = try decoder.container(keyedBy: Keys.self)
            // A list that is none is not this check's to judge.
            typealias Input = JobDescription.Input.CodingKeys
            typealias ToolFiles = JobDescription.ToolFiles.CodingKeys
            typealias ReferenceData = JobDescription.ReferenceData.CodingKeys
            typealias Output = JobDescription.Output.CodingKeys
            try look(fields, .inputs, Input.self)
            try look(fields, .toolFiles, ToolFiles.self)
            try look(fields, .referenceData, ReferenceData.self)
            try look(fields, .outputs, Output.self)
        }

        private func look<Keys: CodingKey & CaseIterable>(
            _ fields: KeyedDecodingContainer<JobDescription.CodingKeys>,
            _ key: JobDescription.CodingKeys,
            _ keys: Keys.Type
        ) throws {
            do {
                _ = try fields.decodeIfPresent([Item<Keys>].self, forKey: key)
            } catch is DecodingError {
                return
            }
        }
    }

    private struct Item<Keys: CodingKey & CaseIterable>: Decodable {
        init(from decoder: any Decoder) throws { try checkNames(decoder, Keys.self) }
    }

    private static func checkNames<Keys: CodingKey & CaseIterable>(
        _ decoder: any Decoder,
        _ keys: Keys.Type
    ) throws {
        let known = Keys.allCases.map(\.stringValue)
        let found = try decoder.container(keyedBy: AnyName.self).allKeys.map(\.stringValue).sorted()
        guard let name = found.first(where: { !known.contains($0) }) else { return }
        let path = decoder.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }
        throw UnknownField(name: name, place: path.joined(separator: "."), known: known)
    }

    private struct UnknownField: Error {
        let name: String
        let place: String
        let known: [String]

        var error: ContractError {
            let place = place.isEmpty ? "" : " at \(place)"
            let near = EditDistance.nearest(to: name, in: known)
            return ContractError(
                .malformed,
                what: "The job description has an unknown field \"\(name.logSafe)\"\(place); "
                    + (near.map { "did you mean \"\($0)\"?" }
                        ?? "known are \(known.joined(separator: ", "))")
            )
        }
    }

    private struct AnyName: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init?(stringValue: String) { self.stringValue = stringValue }

        init?(intValue: Int) { nil }
    }
}
