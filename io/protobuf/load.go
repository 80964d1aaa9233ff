package protobuf

import (
	"fmt"
	"os"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Load returns the description of a message, such as air.Report, in a file that
// protoc --descriptor_set_out=FILE --include_imports or buf build has written.
func Load(path, name string) (protoreflect.MessageDescriptor, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("protobuf: descriptions of messages: %w", err)
	}
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(raw, &set); err != nil {
		return nil, fmt.Errorf("protobuf: %s is no FileDescriptorSet, as protoc --descriptor_set_out writes it: %w", path, err)
	}
	files, err := protodesc.NewFiles(&set)
	if err != nil {
		return nil, fmt.Errorf("protobuf: %s: %w; was it written with --include_imports?", path, err)
	}
	found, err := files.FindDescriptorByName(protoreflect.FullName(name))
	if err != nil {
		return nil, fmt.Errorf("protobuf: %s describes no message %q: %w", path, name, err)
	}
	m, ok := found.(protoreflect.MessageDescriptor)
	if !ok {
		return nil, fmt.Errorf("protobuf: in %s %s is no message", path, name)
	}
	return m, nil
}
