# docker build -t replicate . && docker run --rm -v "$PWD/results/local:/results" replicate train aggan
FROM python:3.11-slim
RUN apt-get update && apt-get install --yes --no-install-recommends git && rm -rf /var/lib/apt/lists/*
WORKDIR /replicate
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY . .
RUN pip install --no-cache-dir --no-deps .
ENV REPLICATE_RESULTS=/results REPLICATE_DATA=/data
ENTRYPOINT ["replicate"]
