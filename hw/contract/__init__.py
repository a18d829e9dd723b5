"""What hardware and software agree upon: configuration, instructions, image, registers, tables.

Plain Python without any HDL and without PyTorch, so that both ``hw`` and ``model`` may import it. Nothing
in here imports either of them.
"""
