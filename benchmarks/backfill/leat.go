package main

func leatSystems() []system { return nil }
