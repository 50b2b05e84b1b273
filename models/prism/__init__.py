"""The Prism: a model in its folder, the forms it reads and writes, the engines that run it."""
