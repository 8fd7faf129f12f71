// SPDX-License-Identifier: Apache-2.0

import CXML

/// The one owner of a libxml2 document, from parsing to freeing.
struct XMLDocument: ~Copyable {
    private let pointer: xmlDocPtr

    /// Set up once a process, before any thread parses (xmlInitParser(3)).
    private static let isReady: Bool = {
        xmlInitParser()
        return true
    }()

    init(_ bytes: [UInt8]) throws(XMLProblem) {
        guard Self.isReady, let context = xmlNewParserCtxt() else {
            throw XMLProblem(.tooLarge, "no memory")
        }
        defer { xmlFreeParserCtxt(context) }
        let options =
            XML_PARSE_NONET.rawValue | XML_PARSE_NOERROR.rawValue | XML_PARSE_NOWARNING.rawValue
            | XML_PARSE_NOCDATA.rawValue | XML_PARSE_BIG_LINES.rawValue
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
        guard let parsed else { throw Self.problem(context.pointee.lastError) }
        pointer = parsed
    }

    deinit { xmlFreeDoc(pointer) }

    /// What stopped the parser.
    private static func problem(_ error: xmlError) -> XMLProblem {
        let words: [UInt32: String] = [
            XML_ERR_TAG_NAME_MISMATCH.rawValue: "an end tag is not that of the last start tag",
            XML_ERR_TAG_NOT_FINISHED.rawValue: "an element has no end tag",
            XML_ERR_DOCUMENT_END.rawValue: "something follows the root element",
            XML_ERR_UNDECLARED_ENTITY.rawValue: "an entity is not declared",
            XML_ERR_ATTRIBUTE_REDEFINED.rawValue: "an attribute is written twice",
        ]
        let more = words[UInt32(bitPattern: error.code)].map { ": " + $0 } ?? ""
        return XMLProblem(
            .malformed,
            "it is not well-formed\(more)",
            line: error.line > 0 ? Int(error.line) : nil
        )
    }

    /// The root element, copied out.
    func root() throws(XMLProblem) -> XMLElement {
        guard pointer.pointee.intSubset == nil else {
            throw XMLProblem(.documentType, "it declares a document type")
        }
        guard let node = xmlDocGetRootElement(pointer) else {
            throw XMLProblem(.malformed, "it has no root")
        }
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
        let line = xmlGetLineNo(node)
        guard depth <= XMLReader.deepest else {
            throw XMLProblem(.tooLarge, "it is nested too deeply", line: line)
        }
        count += 1
        guard count <= XMLReader.mostElements else {
            throw XMLProblem(.tooLarge, "it has too many elements", line: line)
        }
        var element = XMLElement(name: bytes(node.pointee.name), line: line)
        element.attributes = attributes(of: node)
        var next = node.pointee.children
        while let child = next {
            switch child.pointee.type {
            case XML_ELEMENT_NODE:
                element.children.append(try copy(child, depth: depth + 1, count: &count))
            case XML_TEXT_NODE, XML_CDATA_SECTION_NODE:
                element.text += bytes(child.pointee.content)
            case XML_ENTITY_REF_NODE:
                throw XMLProblem(.documentType, "it uses an entity", line: line)
            default:
                break
            }
            next = child.pointee.next
        }
        return element
    }

    // SAFETY: as above. Without a document type there are no entities, so a value is made of texts.
    private static func attributes(of node: xmlNodePtr) -> [XMLElement.Attribute] {
        var found: [XMLElement.Attribute] = []
        var next = node.pointee.properties
        while let attribute = next {
            var value: [UInt8] = []
            var piece = attribute.pointee.children
            while let text = piece {
                value += bytes(text.pointee.content)
                piece = text.pointee.next
            }
            found.append(XMLElement.Attribute(name: bytes(attribute.pointee.name), value: value))
            next = attribute.pointee.next
        }
        return found
    }

    private static func bytes(_ text: UnsafePointer<xmlChar>?) -> [UInt8] {
        guard let text else { return [] }
        return Array(UnsafeBufferPointer(start: text, count: Int(xmlStrlen(text))))
    }
}
