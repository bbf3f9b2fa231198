"""Options of both ends of a gRPC connection."""

OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]  # tensors of any size
