// SPDX-License-Identifier: Apache-2.0

import CXML

/// Parses one answer with libxml2: no network, no DOCTYPE, no entities, UTF-8 only, at most 8 MiB,
/// 256 levels and 200,000 elements (a full page of a listing has about 10,000).
enum XMLReader {
    static let longest = 8 * 1024 * 1024
    static let deepest = 256
    static let mostElements = 200_000

    /// The root element of `bytes`.
    static func parse(_ bytes: [UInt8]) throws(XMLProblem) -> XMLElement {
        guard !bytes.isEmpty else { throw XMLProblem("it is empty") }
        guard bytes.count <= longest else { throw XMLProblem("it has \(bytes.count) bytes") }
        guard !bytes.contains(0) else { throw XMLProblem("it holds a NUL") }
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw XMLProblem("it is not UTF-8")
        }
        guard !contains(bytes, "<!DOCTYPE"), !contains(bytes, "<!ENTITY") else {
            throw XMLProblem("it declares a document type")
        }
        let document = try XMLDocument(bytes)
        return try document.root()
    }

    private static func contains(_ bytes: [UInt8], _ word: StaticString) -> Bool {
        word.withUTF8Buffer { word in
            var rest = bytes[...]
            while let start = rest.firstIndex(of: word[0]) {
                rest = rest[start...]
                if rest.starts(with: word) { return true }
                rest = rest.dropFirst()
            }
            return false
        }
    }
}

/// The one owner of a libxml2 document, from parsing to freeing.
struct XMLDocument: ~Copyable {
    private let pointer: xmlDocPtr

    /// Set up once a process, before any thread parses (xmlInitParser(3)).
    private static let isReady: Bool = {
        xmlInitParser()
        return true
    }()

    init(_ bytes: [UInt8]) throws(XMLProblem) {
        guard Self.isReady, let context = xmlNewParserCtxt() else { throw XMLProblem("no memory") }
        defer { xmlFreeParserCtxt(context) }
        let options =
            XML_PARSE_NONET.rawValue | XML_PARSE_NOERROR.rawValue | XML_PARSE_NOWARNING.rawValue
            | XML_PARSE_NOCDATA.rawValue
        // SAFETY: libxml2 reads `bytes` during the call only; the document is ours from then on and
        // freed in deinit. The context does not outlive this initialiser.
        let parsed = bytes.withUnsafeBytes { buffer in
            xmlCtxtReadMemory(
                context,
                buffer.baseAddress?.assumingMemoryBound(to: CChar.self),
                Int32(buffer.count),
                nil,
                "UTF-8",
                Int32(options)
            )
        }
        guard let parsed else {
            throw XMLProblem("it is not well-formed at line \(context.pointee.lastError.line)")
        }
        pointer = parsed
    }

    deinit { xmlFreeDoc(pointer) }

    /// The root element, copied out.
    func root() throws(XMLProblem) -> XMLElement {
        guard pointer.pointee.intSubset == nil else {
            throw XMLProblem("it declares a document type")
        }
        guard let node = xmlDocGetRootElement(pointer) else { throw XMLProblem("it has no root") }
        var count = 0
        return try Self.copy(node, depth: 1, count: &count)
    }

    // SAFETY: every node belongs to the document that the caller keeps alive; names and text are
    // copied before this returns.
    private static func copy(
        _ node: xmlNodePtr,
        depth: Int,
        count: inout Int
    ) throws(XMLProblem) -> XMLElement {
        guard depth <= XMLReader.deepest else { throw XMLProblem("it is nested too deeply") }
        count += 1
        guard count <= XMLReader.mostElements else { throw XMLProblem("it has too many elements") }
        var element = XMLElement(name: bytes(node.pointee.name))
        var next = node.pointee.children
        while let child = next {
            switch child.pointee.type {
            case XML_ELEMENT_NODE:
                element.children.append(try copy(child, depth: depth + 1, count: &count))
            case XML_TEXT_NODE, XML_CDATA_SECTION_NODE:
                element.text += bytes(child.pointee.content)
            case XML_ENTITY_REF_NODE:
                throw XMLProblem("it uses an entity")
            default:
                break
            }
            next = child.pointee.next
        }
        return element
    }

    private static func bytes(_ text: UnsafePointer<xmlChar>?) -> [UInt8] {
        guard let text else { return [] }
        return Array(UnsafeBufferPointer(start: text, count: Int(xmlStrlen(text))))
    }
}
