module keyrec/benchmarks/writer

go 1.24
